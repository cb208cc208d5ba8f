package auth_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/internal/auth"
)

// session returns the cookie of a new one.
func session(t testing.TB, a *auth.Auth, token string) string {
	t.Helper()
	who, until, err := a.Believe(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	cookie, _, err := a.Session(t.Context(), *who, until)
	if err != nil {
		t.Fatal(err)
	}
	return cookie
}

func withCookie(cookie string) *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.AddCookie(&http.Cookie{Name: auth.CookieName, Value: cookie})
	return r
}

func callerWith(t testing.TB, a *auth.Auth, cookie string) *auth.Caller {
	t.Helper()
	c, err := a.Caller(withCookie(cookie))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestASessionIsOneOfAllInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		one, two := instance(t, log), instance(t, log)
		run(t, one, two)
		secret, made := create(t, one, "x")
		who, until, err := one.Believe(t.Context(), secret)
		if err != nil {
			t.Fatal(err)
		}
		cookie, expires, err := one.Session(t.Context(), *who, until)
		if err != nil || time.Until(expires) != auth.SessionTime {
			t.Fatalf("it lasts for %v, %v", time.Until(expires), err)
		}
		<-time.After(time.Second)
		if c := callerWith(t, two, cookie); !c.SignedIn || c.Admin || !c.Cookie || !strings.Contains(c.Name, made.ID) {
			t.Errorf("at another instance: %+v", c)
		}
		for i := range len(cookie) {
			changed := []byte(cookie)
			if changed[i] ^= 1; changed[i] == ';' || changed[i] == '"' || changed[i] == ',' || changed[i] == '\\' || changed[i] < '!' {
				continue
			}
			if c := callerWith(t, two, string(changed)); c.SignedIn && c.Identity.Token != made.ID {
				t.Errorf("with byte %d changed: %+v", i, c)
			}
		}
	})
}

func TestASessionEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := instance(t, newLog(t))
		cookie := session(t, a, "an-administrators-token")
		<-time.After(auth.SessionTime - time.Second)
		if c := callerWith(t, a, cookie); !c.Admin {
			t.Error("it has ended early")
		}
		<-time.After(2 * time.Second)
		if c := callerWith(t, a, cookie); c.SignedIn {
			t.Error("it does not end")
		}
	})
}

// Whoever has copied a session's cookie has nothing once its owner has signed out.
func TestASessionIsEndedAtAllInstances(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		one, two := instance(t, log), instance(t, log)
		run(t, one, two)
		secret, _ := create(t, one, "x")
		cookies := []string{session(t, one, secret), session(t, one, secret)}
		<-time.After(time.Second)
		mine, others := callerWith(t, two, cookies[0]), callerWith(t, two, cookies[1])
		ticket, _, err := two.Ticket(t.Context(), mine, auth.TicketRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if whose, err := one.End(withCookie(cookies[0])); err != nil || len(whose) != 1 {
			t.Fatal(whose, err)
		}
		if c := callerWith(t, one, cookies[0]); c.SignedIn {
			t.Errorf("at once: %+v", c)
		}
		<-time.After(time.Second)
		for name, a := range map[string]*auth.Auth{"the other instance": two, "one that starts": instance(t, log)} {
			if c := callerWith(t, a, cookies[0]); c.SignedIn {
				t.Errorf("%s: %+v", name, c)
			}
			if c := callerWith(t, a, cookies[1]); !c.SignedIn {
				t.Errorf("%s has ended another session", name)
			}
		}
		if mine.Access.Valid() || !others.Access.Valid() {
			t.Errorf("what was begun: it stands %v, that of another %v", mine.Access.Valid(), others.Access.Valid())
		}
		if _, err := two.Caller(httptest.NewRequest("GET", "/v1/events?ticket="+ticket, nil)); err == nil {
			t.Error("a ticket of the session is good")
		}
		if whose, err := one.End(withCookie(cookies[0])); err != nil || len(whose) != 0 {
			t.Errorf("a second time: %v %v", whose, err)
		}
	})
}

// Whoever signs out while the log takes nothing is told, and has not signed out: the next time
// does.
func TestAnEndThatIsNotWrittenDownIsNone(t *testing.T) {
	log := &deaf{MemoryLog: newLog(t)}
	a := instance(t, log)
	cookie := session(t, a, "an-administrators-token")
	log.deaf = true
	if _, err := a.End(withCookie(cookie)); err == nil {
		t.Error("it is said to be ended")
	}
	log.deaf = false
	if whose, err := a.End(withCookie(cookie)); err != nil || len(whose) != 1 {
		t.Errorf("the next time: %v %v", whose, err)
	}
	if callerWith(t, instance(t, log), cookie).SignedIn {
		t.Error("another instance does not know")
	}
}

// deaf is a log that takes nothing.
type deaf struct {
	*streamgauge.MemoryLog
	deaf bool
}

func (l *deaf) Append(ctx context.Context, b streamgauge.Batch) (streamgauge.Receipt, error) {
	if l.deaf {
		return streamgauge.Receipt{}, errors.New("it is away")
	}
	return l.MemoryLog.Append(ctx, b)
}

// Whoever signs out again and again drives out no token, and nobody else's sessions.
func TestEndedSessionsDriveOutNothingOfOthers(t *testing.T) {
	log := newLog(t)
	a := instance(t, log)
	secret, _ := create(t, a, "x")
	end := func(cookie string) {
		if _, err := a.End(withCookie(cookie)); err != nil {
			t.Fatal(err)
		}
	}
	stolen := session(t, a, "an-administrators-token")
	end(stolen)
	for range 2_000 {
		end(session(t, a, secret))
	}
	again := instance(t, log)
	if !believes(again, secret) {
		t.Error("the token is lost")
	}
	if callerWith(t, again, stolen).SignedIn {
		t.Error("the administrator's session is valid again")
	}
}

// A cookie has what is needed of what is said of somebody, and is refused where that is too much.
func TestACookieHasWhatIsNeeded(t *testing.T) {
	log := newLog(t)
	a, err := auth.New(t.Context(), log, auth.Options{CheckFilter: check, Grants: []auth.Grant{{To: []string{auth.ToSignedIn}, Read: streamgauge.Selection{"a"}, Where: "data.tenant == user.tenant"}}})
	if err != nil {
		t.Fatal(err)
	}
	who := auth.Identity{User: "ann", Groups: []string{"ops"}, Claims: map[string]any{"tenant": "acme", "picture": strings.Repeat("x", 5000), "groups": []string{"ops"}}}
	cookie, _, err := a.Session(t.Context(), who, time.Time{})
	if err != nil || len(cookie) > 500 {
		t.Fatalf("%d bytes, %v", len(cookie), err)
	}
	if c := callerWith(t, a, cookie); len(c.Access.Read) != 1 || c.Identity.Claims["tenant"] != "acme" || c.Identity.Groups[0] != "ops" {
		t.Errorf("%+v", c.Identity)
	}
	who.Groups = strings.Split(strings.Repeat("department-of-engineering,", 200), ",")
	var refused *auth.Refusal
	if _, _, err := a.Session(t.Context(), who, time.Time{}); !errors.As(err, &refused) || !strings.Contains(refused.Detail, "fewer groups") {
		t.Errorf("200 groups: %v", err)
	}
	if _, _, err := a.Session(t.Context(), auth.Identity{User: "ann"}, time.Now()); !errors.As(err, &refused) || refused.Status != http.StatusUnauthorized {
		t.Errorf("one that has ended: %v", err)
	}
}
