package demo

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/streamgauge/streamgauge"
)

// Seconds.
const (
	day        = 20 * 60 // of the shop
	slot       = 10 * 60 // in which one thing goes wrong
	checkEvery = 5
)

// Of an incident, in seconds after the bad version is deployed.
const (
	breaks   = 10 // when it begins to show
	broken   = 25 // when it is at its worst
	rollback = 90
	mended   = 120
)

// shop is a web shop; the seed is all there is to it.
type shop struct{ seed uint64 }

// moment is a second of the shop's life.
type moment struct {
	*rand.Rand
	at      int64   // seconds since 1970
	busy    float64 // how busy the shop is, about 0.3 to 1
	trouble float64 // how bad things are, 0 to 1
	events  []streamgauge.Event
}

// second returns what happens in a second, in order.
func (s shop) second(at int64) []streamgauge.Event {
	m := &moment{Rand: rand.New(rand.NewPCG(s.seed, uint64(at))), at: at}
	phase := 2 * math.Pi * float64(at%day) / day
	m.busy = 0.65 - 0.3*math.Cos(phase) + 0.06*math.Sin(5*phase)
	since := at - s.incident(at)
	m.trouble = trouble(since)

	m.add("demo.visitors", "", "", map[string]any{"visitors": int(420*m.busy*(1-0.3*m.trouble)) + m.IntN(16)})
	for range m.times(9 * m.busy) {
		m.request()
	}
	for range m.times(1.1 * m.busy * (1 - 0.8*m.trouble)) {
		m.order()
	}
	for range m.times(0.12 * m.busy) {
		m.visitorDoes()
	}
	if m.times(0.8) > 0 {
		m.work()
	}
	if at%checkEvery == 0 {
		m.checks()
	}
	s.deploys(m, since)
	slices.SortStableFunc(m.events, func(a, b streamgauge.Event) int { return a.Time.Compare(b.Time) })
	return m.events
}

// incident returns when the incident that is nearest to the time begins.
func (s shop) incident(at int64) int64 {
	n := at / slot
	return n*slot + 120 + int64(rand.New(rand.NewPCG(s.seed, ^uint64(n))).IntN(240))
}

// trouble returns how bad things are so many seconds after a bad version was
// deployed.
func trouble(since int64) float64 {
	switch {
	case since < breaks || since >= mended:
		return 0
	case since < broken:
		return float64(since-breaks) / (broken - breaks)
	case since >= rollback:
		return float64(mended-since) / (mended - rollback)
	}
	return 1
}

// times returns how often what happens so often on average happens now.
func (m *moment) times(mean float64) int {
	n := int(mean)
	if m.Float64() < mean-float64(n) {
		n++
	}
	return n
}

func (m *moment) add(stream, kind, key string, data any) {
	encoded, err := json.Marshal(data)
	if err != nil {
		panic(err) // there is nothing here that JSON can't have
	}
	at := time.Unix(m.at, int64(m.IntN(1000))*int64(time.Millisecond)).UTC()
	m.events = append(m.events, streamgauge.Event{Stream: stream, Type: kind, Key: key, Time: at, Data: encoded})
}

// choose returns one of the values, the first ones more often.
func choose[T any](m *moment, values []T) T {
	return values[int(float64(len(values))*m.Float64()*m.Float64())]
}

type route struct {
	method, path string
	service      string
	ms           float64
	fragile      float64 // how much it suffers in an incident
}

var routes = []route{
	{"GET", "/products/{id}", "web", 38, 0.2},
	{"GET", "/", "web", 22, 0.1},
	{"GET", "/products", "web", 55, 0.2},
	{"GET", "/search", "search", 90, 0.3},
	{"POST", "/cart", "cart", 45, 1.5},
	{"POST", "/checkout", "payment", 180, 8},
}

type request struct {
	Method string  `json:"method"`
	Route  string  `json:"route"`
	Status int     `json:"status"`
	MS     float64 `json:"ms"`
}

func (m *moment) request() {
	r := choose(m, routes)
	q := request{r.method, r.path, 200, round(r.ms * math.Exp(0.4*m.NormFloat64()) * (1 + r.fragile*m.trouble) * (0.8 + 0.4*m.busy))}
	switch luck := m.Float64(); {
	case luck < 0.002+0.06*m.trouble*r.fragile:
		q.Status = []int{500, 502, 503}[m.IntN(3)]
		m.log("ERROR", r.service, fmt.Sprintf("%s %s failed with %d", q.Method, q.Route, q.Status),
			map[string]any{"route": q.Route, "status": q.Status, "ms": q.MS, "error": map[string]any{"kind": "upstream", "message": "payment provider: connection reset", "retries": m.IntN(4)}})
	case luck > 0.985:
		q.Status = 404
	case q.MS > 900:
		m.log("WARN", r.service, fmt.Sprintf("slow request: %s took %.0f ms", q.Route, q.MS), map[string]any{"route": q.Route, "ms": q.MS})
	case m.IntN(12) == 0:
		m.log("INFO", r.service, fmt.Sprintf("%s %s %d", q.Method, q.Route, q.Status), map[string]any{"route": q.Route, "status": q.Status, "ms": q.MS})
	}
	m.add("demo.requests", "", "", q)
}

var (
	countries = []string{"DE", "US", "FR", "GB", "NL", "AT", "ES", "PL", "SE", "JP"}
	products  = []struct {
		name  string
		price float64
	}{{"Mug", 14.5}, {"T-shirt", 24.9}, {"Notebook", 9.8}, {"Poster", 19}, {"Hoodie", 54.9}, {"Backpack", 89}, {"Desk lamp", 129}}
	people = []string{"Mia", "Noah", "Emma", "Liam", "Sofia", "Elias", "Yuki", "Lena", "Omar", "Ines", "Ravi", "Zoë"}
)

type order struct {
	Order   string  `json:"order"`
	Country string  `json:"country"`
	Product string  `json:"product"`
	Items   int     `json:"items"`
	Total   float64 `json:"total"`
}

func (m *moment) order() {
	p := choose(m, products)
	o := order{strconv.Itoa(100_000 + m.IntN(900_000)), choose(m, countries), p.name, 1 + m.times(0.6), 0}
	o.Total = round(p.price * float64(o.Items))
	m.add("demo.orders", "", "", o)
	if m.IntN(3) == 0 {
		m.activity(people[m.IntN(len(people))], "ordered", o.Product, "order "+o.Order, "https://example.com/orders/"+o.Order, "cart")
	}
}

type activity struct {
	Actor  string `json:"actor"`
	Verb   string `json:"verb"`
	Object string `json:"object"`
	Target string `json:"target,omitempty"`
	Link   string `json:"link,omitempty"`
	Icon   string `json:"icon,omitempty"`
}

func (m *moment) activity(actor, verb, object, target, link, icon string) {
	m.add("demo.activity", "activity", "", activity{actor, verb, object, target, link, icon})
}

// visitorDoes is what visitors do beside ordering.
func (m *moment) visitorDoes() {
	who, product := people[m.IntN(len(people))], choose(m, products).name
	switch m.IntN(3) {
	case 0:
		m.activity(who, "signed up", "for the newsletter", "", "", "mail")
	case 1:
		m.activity(who, "reviewed", product, fmt.Sprintf("%d stars", 3+m.IntN(3)), "https://example.com/reviews", "star")
	default:
		m.activity(who, "saved", product, "wish list", "", "heart")
	}
}

var severities = map[string]int{"DEBUG": 5, "INFO": 9, "WARN": 13, "ERROR": 17}

type record struct {
	Number     int            `json:"severity_number"`
	Text       string         `json:"severity_text"`
	Body       string         `json:"body"`
	Attributes map[string]any `json:"attributes"`
}

func (m *moment) log(severity, service, body string, attributes map[string]any) {
	attributes["service"] = service
	attributes["trace_id"] = fmt.Sprintf("%016x", m.Uint64())
	m.add("demo.logs", "log", "", record{severities[severity], severity, body, attributes})
}

// work is what goes on behind the shop, whose tools like colours.
func (m *moment) work() {
	switch m.IntN(4) {
	case 0:
		m.log("INFO", "worker", fmt.Sprintf("\x1b[32m✓\x1b[0m sent \x1b[1m%d\x1b[0m mails in \x1b[36m%d ms\x1b[0m", 1+m.IntN(20), 20+m.IntN(400)), map[string]any{"job": "mail"})
	case 1:
		m.log("DEBUG", "cart", fmt.Sprintf("cache: %d hits, %d misses", 200+m.IntN(800), m.IntN(40)), map[string]any{"hit_ratio": round(0.9 + m.Float64()/10)})
	case 2:
		m.log("INFO", "worker", fmt.Sprintf("\x1b[33m▲\x1b[0m %s is low: \x1b[31m%d\x1b[0m left", choose(m, products).name, 1+m.IntN(9)), map[string]any{"job": "stock"})
	default:
		m.log("DEBUG", "search", fmt.Sprintf("index refreshed: %d documents", 4000+m.IntN(60)), map[string]any{"shards": 3})
	}
}

var services = []string{"web", "search", "cart", "payment"}

type check struct {
	Service string  `json:"service"`
	State   string  `json:"state"`
	MS      float64 `json:"ms"`
}

func (m *moment) checks() {
	for _, service := range services {
		trouble := m.trouble
		switch service {
		case "web", "search":
			trouble = 0
		case "cart":
			trouble *= 0.6
		}
		c := check{service, "up", round((6 + 4*m.Float64()) * (1 + 20*trouble))}
		if trouble > 0.8 {
			c.State, c.MS = "down", 5000
		} else if trouble > 0.2 {
			c.State = "degraded"
		}
		m.add("demo.checks", "", service, c)
	}
}

type deploy struct {
	Service  string `json:"service"`
	Version  string `json:"version"`
	By       string `json:"by"`
	Rollback bool   `json:"rollback"`
}

// deploys is what the team does: a good version now and then, and in every slot
// a bad one.
func (s shop) deploys(m *moment, since int64) {
	n := m.at / slot
	good := fmt.Sprintf("4.%d.0", n%1000)
	bad := fmt.Sprintf("4.%d.1", n%1000)
	switch {
	case m.at%slot == 60:
		m.deploy(deploy{services[n%3], good, people[n%int64(len(people))], false}, "deployed", "rocket")
	case since == 0:
		m.deploy(deploy{"payment", bad, people[(n+5)%int64(len(people))], false}, "deployed", "rocket")
	case since == broken:
		m.activity("Monitor", "opened", "an incident", "checkouts fail", "https://example.com/incidents", "fire")
		m.log("ERROR", "payment", "circuit breaker is open: too many failures of the payment provider", map[string]any{"version": bad})
	case since == rollback:
		m.deploy(deploy{"payment", good, "Monitor", true}, "rolled back", "undo")
	case since == mended:
		m.activity("Monitor", "closed", "the incident", fmt.Sprintf("after %d s", mended-broken), "https://example.com/incidents", "check")
	}
}

func (m *moment) deploy(d deploy, verb, icon string) {
	m.add("demo.deploys", "deploy", d.Service, d)
	m.activity(d.By, verb, d.Service, d.Version, "https://example.com/deploys/"+d.Version, icon)
	m.log(cmp.Or(map[bool]string{true: "WARN"}[d.Rollback], "INFO"), d.Service, fmt.Sprintf("version %s is live", d.Version), map[string]any{"version": d.Version, "rollback": d.Rollback})
}

func round(v float64) float64 { return math.Round(v*100) / 100 }
