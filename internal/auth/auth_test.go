package auth_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filter"
	"github.com/streamgauge/streamgauge/internal/auth"
)

func check(source string) error {
	_, err := filter.Compile(source)
	return err
}

func newLog(t testing.TB) *streamgauge.MemoryLog {
	t.Helper()
	rules, err := streamgauge.NewRules(append(slices.Clone(auth.Rules), streamgauge.Rule{Match: ">", Keep: streamgauge.Keep{Events: 10}})...)
	if err != nil {
		t.Fatal(err)
	}
	log := streamgauge.NewMemoryLog(rules)
	t.Cleanup(func() { log.Close() })
	return log
}

// instance is one of those that share the log.
func instance(t testing.TB, log streamgauge.Log) *auth.Auth {
	t.Helper()
	a, err := auth.New(t.Context(), log, auth.Options{AdminToken: "an-administrators-token", CheckFilter: check})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func create(t testing.TB, a *auth.Auth, name string) (string, auth.Token) {
	t.Helper()
	secret, made, err := a.CreateToken(t.Context(), auth.TokenRequest{Name: name, Read: []string{"a"}})
	if err != nil {
		t.Fatal(err)
	}
	return secret, made
}

func believes(a *auth.Auth, token string) bool {
	_, _, err := a.Believe(context.Background(), token)
	return err == nil
}

// run keeps instances up to date until the test ends.
func run(t *testing.T, all ...*auth.Auth) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, a := range all {
		running.Go(func() { _ = a.Run(ctx, func() {}) })
	}
	t.Cleanup(func() { cancel(); running.Wait() })
}

func TestInstancesKnowTheSame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		one, two := instance(t, log), instance(t, log)
		run(t, one, two)
		secret, made := create(t, one, "x")
		if !believes(one, secret) {
			t.Error("who has made it does not believe it at once")
		}
		<-time.After(time.Second)
		if !believes(two, secret) {
			t.Error("the other one does not believe it after a second")
		}
		if _, err := two.RevokeToken(t.Context(), made.ID); err != nil {
			t.Fatal(err)
		}
		if believes(two, secret) {
			t.Error("who has revoked it believes it")
		}
		<-time.After(time.Second)
		if believes(one, secret) {
			t.Error("the other one believes it a second after it was revoked")
		}
		if _, err := one.RevokeToken(t.Context(), made.ID); !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("revoked twice: %v", err)
		}
		if later := instance(t, log); believes(later, secret) {
			t.Error("one that comes later believes it")
		}
	})
}

func TestATokenExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := newLog(t)
		a := instance(t, log)
		secret, _, err := a.CreateToken(t.Context(), auth.TokenRequest{Name: "x", Read: []string{"a"}, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour - time.Second)
		if !believes(a, secret) {
			t.Error("it has expired early")
		}
		<-time.After(time.Second)
		if believes(a, secret) || len(a.Tokens()) > 0 {
			t.Error("it has not expired")
		}
	})
}

// Instances that make tokens at the same time, after many have come and gone: none of theirs
// is lost.
func TestNoTokenIsLost(t *testing.T) {
	log := newLog(t)
	all := []*auth.Auth{instance(t, log), instance(t, log), instance(t, log)}
	first, _ := create(t, all[0], "the first")
	var tokens sync.Map
	var making sync.WaitGroup
	for n, a := range all {
		making.Go(func() {
			for i := range 60 {
				secret, made, err := a.CreateToken(t.Context(), auth.TokenRequest{Name: fmt.Sprint(n, " ", i), Read: []string{"a"}})
				if err != nil {
					t.Error(err)
					return
				}
				if i%3 == 0 {
					tokens.Store(secret, true)
					continue
				}
				if _, err := a.RevokeToken(t.Context(), made.ID); err != nil {
					t.Error(err)
				}
			}
		})
	}
	making.Wait()
	later := instance(t, log)
	n := 1
	tokens.Range(func(secret, _ any) bool {
		n++
		if !believes(later, secret.(string)) {
			t.Errorf("%s is lost", secret)
		}
		return true
	})
	if !believes(later, first) || len(later.Tokens()) != n {
		t.Errorf("%d tokens are left of %d, the first is believed: %v", len(later.Tokens()), n, believes(later, first))
	}
}

func TestThereAreOnlySoManyTokens(t *testing.T) {
	a := instance(t, newLog(t))
	var last auth.Token
	for i := range 1000 {
		_, last = create(t, a, fmt.Sprint(i))
	}
	_, _, err := a.CreateToken(t.Context(), auth.TokenRequest{Name: "x", Read: []string{"a"}})
	var refused *auth.Refusal
	if !errors.As(err, &refused) || refused.Status != http.StatusConflict {
		t.Fatalf("one too many: %v", err)
	}
	if _, err := a.RevokeToken(t.Context(), last.ID); err != nil {
		t.Fatal(err)
	}
	create(t, a, "x")
}

func TestALinkSignsInOnce(t *testing.T) {
	log := newLog(t)
	one, two := instance(t, log), instance(t, log)
	code, err := one.Link(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	later := instance(t, log)
	var redeemed sync.Map
	var trying sync.WaitGroup
	for i, a := range []*auth.Auth{one, later, one, later, one, later} {
		trying.Go(func() {
			if who, err := a.Redeem(t.Context(), code); err == nil && who.Admin != "" {
				redeemed.Store(i, true)
			}
		})
	}
	trying.Wait()
	n := 0
	redeemed.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("it has signed in %d times", n)
	}
	if believes(two, code) {
		t.Error("it is believed as a token")
	}
	// An instance that has not heard of it yet: the log decides.
	behind := &lagging{MemoryLog: log}
	last := instance(t, behind)
	code, err = one.Link(t.Context(), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := last.CreateToken(t.Context(), auth.TokenRequest{Name: "x", Read: []string{"a"}}); err != nil { // it has read the link by now
		t.Fatal(err)
	}
	behind.stuck = true
	_, errOne := one.Redeem(t.Context(), code)
	_, errLast := last.Redeem(t.Context(), code)
	if errOne != nil || errLast == nil {
		t.Errorf("at one it is %v, at another that is behind %v", errOne, errLast)
	}
	first, _ := one.Link(t.Context(), time.Now().Add(time.Hour))
	if _, err := one.Link(t.Context(), time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Redeem(t.Context(), first); err == nil {
		t.Error("one that another has replaced signs in")
	}
}

// lagging is a log whose news don't come when it is stuck.
type lagging struct {
	*streamgauge.MemoryLog
	stuck bool
}

func (l *lagging) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	if l.stuck {
		return streamgauge.Page{Start: q.After, Next: q.After, Head: q.After}, nil
	}
	return l.MemoryLog.Read(ctx, q)
}

// An instance may read of a ticket's use before the log has told it that it was written down.
func TestATicketIsGoodWhileItsUseIsWrittenDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := instance(t, &slow{MemoryLog: newLog(t)})
		run(t, a)
		secret, _ := create(t, a, "x")
		ask := func(change func(*http.Request)) (*auth.Caller, error) {
			r := httptest.NewRequest("GET", "/v1/events", nil)
			change(r)
			return a.Caller(r)
		}
		who, err := ask(func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+secret) })
		if err != nil {
			t.Fatal(err)
		}
		ticket, _, err := a.Ticket(t.Context(), who, auth.TicketRequest{})
		if err != nil {
			t.Fatal(err)
		}
		with := func(r *http.Request) { r.URL.RawQuery = "ticket=" + ticket }
		if c, err := ask(with); err != nil || !c.Ticket {
			t.Errorf("the first time: %v", err)
		}
		if _, err := ask(with); err == nil {
			t.Error("it is good for a second time")
		}
	})
}

// slow is a log that takes its time to say that it has written something down.
type slow struct{ *streamgauge.MemoryLog }

func (l *slow) Append(ctx context.Context, b streamgauge.Batch) (streamgauge.Receipt, error) {
	receipt, err := l.MemoryLog.Append(ctx, b)
	<-time.After(2 * time.Second)
	return receipt, err
}

// A log that was replaced knows of nobody: whoever had a token has none.
func TestAReplacedLogShutsEverybodyOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &replaceable{MemoryLog: newLog(t)}
		a := instance(t, log)
		run(t, a)
		secret, _ := create(t, a, "x")
		log.mu.Lock()
		log.MemoryLog = newLog(t)
		log.mu.Unlock()
		<-time.After(time.Second)
		if believes(a, secret) {
			t.Error("a token of before is believed")
		}
		if secret, _ := create(t, a, "y"); !believes(a, secret) {
			t.Error("a new one is not")
		}
	})
}

type replaceable struct {
	mu sync.Mutex
	*streamgauge.MemoryLog
}

func (l *replaceable) Read(ctx context.Context, q streamgauge.Query) (streamgauge.Page, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.MemoryLog.Read(ctx, q)
}

func (l *replaceable) Append(ctx context.Context, b streamgauge.Batch) (streamgauge.Receipt, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.MemoryLog.Append(ctx, b)
}

func TestConditionsSpeakOfTheUser(t *testing.T) {
	for source, fine := range map[string]bool{
		`data.a == user.b`:           true,
		`"user.b" == user.b`:         true,
		`data.user.b == 1`:           true,
		`'it\'s user.b' == user.b`:   true,
		`data.n > 1 // user.b`:       false,
		`data.n > 1 /* " */ or true`: false,
		`user == 1`:                  false,
		`user.b.c == 1`:              false,
		`data.user . b == user.b`:    true,
		`((`:                         false,
	} {
		if err := auth.CheckCondition(source, check); (err == nil) != fine {
			t.Errorf("%s: %v", source, err)
		}
	}
}

func FuzzConditions(f *testing.F) {
	f.Add(`data.a == user.b`, `x" or true or "`)
	f.Add(`"user.b" == user.b and 'x' != "y"`, `\`)
	f.Fuzz(func(t *testing.T, source, value string) {
		if auth.CheckCondition(source, check) != nil {
			return
		}
		// What a user is called never makes another condition of it: it compiles with any
		// value as it does with one.
		expanded, err := auth.Expand(source, map[string]any{"b": value})
		if err != nil {
			return
		}
		if err := check(expanded); err != nil && !strings.Contains(err.Error(), "bytes long") {
			t.Errorf("%s with %q is %s: %v", source, value, expanded, err)
		}
	})
}

func FuzzTokens(f *testing.F) {
	a, err := auth.New(context.Background(), streamgauge.NewMemoryLog(nil), auth.Options{
		AdminToken: "an-administrators-token", CheckFilter: check,
		Issuers: []auth.Issuer{{Issuer: "https://id.example", Audience: "a", Algorithms: []string{"HS256"}, Secret: strings.Repeat("s", 32)}},
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Add("sg_abc_def")
	f.Add("eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUifQ.AAAA")
	f.Fuzz(func(t *testing.T, token string) {
		if _, _, err := a.Believe(context.Background(), token); err == nil && token != "an-administrators-token" {
			t.Errorf("%q is believed", token)
		}
	})
}
