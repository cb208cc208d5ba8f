package sabotage

// accessFaults let somebody see or do what they may not.
var accessFaults = []fault{
	{
		name: "any algorithm is taken", seen: "Mercure #1298: HS256 with the public key",
		file:  "internal/auth/jwt.go",
		edits: []edit{{`keys, err := i.keySet(ctx)`, `if h, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{"RS256", "RS384", "RS512", "PS256"}); err == nil { if p, err := h.Verify(jose.JSONWebKey{}); err == nil { return p, nil } }; keys, err := i.keySet(ctx)`}, {`token, err := jose.ParseSignedCompact(text, i.algorithms)`, `token, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{"RS256", "RS384", "RS512", "PS256", "ES256", "HS256"})`}, {`token, err := jwt.ParseSigned(text, all)`, `token, err := jwt.ParseSigned(text, append(all, "RS512", "PS256"))`}},
		pkg:   "./internal/server", test: "TestOnlyTokensThatAreRightAreBelieved",
	},
	{
		name: "the audience is not looked at", seen: "many: a token for another service is let in",
		file:  "internal/auth/jwt.go",
		edits: []edit{{`AnyAudience: jwt.Audience{i.Audience}, `, ``}},
		pkg:   "./internal/server", test: "TestOnlyTokensThatAreRightAreBelieved",
	},
	{
		name: "claims twice", seen: "parsers that take the last, others that took the first",
		file:  "internal/auth/jwt.go",
		edits: []edit{{`if _, twice := object[key]; twice {`, `if false {`}},
		pkg:   "./internal/server", test: "TestOnlyTokensThatAreRightAreBelieved",
	},
	{
		name: "streams outlive their token", seen: "WaveHouse #239, Yuzu #955, neurow #24",
		file:  "subscribe.go",
		edits: []edit{{`if a == nil || a.Expires.IsZero() {`, `if true {`}},
		test:  "TestASubscriptionEndsWithItsAccess",
	},
	{
		name: "a revoked token's stream goes on", seen: "klangk #3152",
		file:  "internal/server/tokens.go",
		edits: []edit{{`a.hub.Expel()`, ``}},
		pkg:   "./internal/server", test: "TestARevokedTokenIsNone",
	},
	{
		name: "signing out takes only the cookie", seen: "most: sessions that are sealed, with nothing to end them",
		file:  "internal/auth/auth.go",
		edits: []edit{{`if who.Session != "" && a.store.hasEnded(who.key(), who.Session) {`, `if false {`}},
		pkg:   "./internal/auth", test: "TestASessionIsEndedAtAllInstances",
	},
	{
		name: "long pages without a bound", seen: "ours: 8 MiB for each reader who takes their time",
		file:  "page.go",
		edits: []edit{{`if size <= max(a.held, smallAnswer) {`, `if true {`}},
		test:  "TestPagesTakeOnlySoMuchTogether",
	},
	{
		name: "filters are for replay only", seen: "hubs that check at subscribing",
		file:  "hub.go",
		edits: []edit{{`if f.filter != nil && !f.filter.Match(e) {`, `if _, guarded := f.filter.(*guard); !guarded && f.filter != nil && !f.filter.Match(e) {`}},
		test:  "TestAccessIsKeptInRandomWorlds",
	},
	{
		name: "gaps tell of what is hidden", seen: "Mercure leaked private ids through the resume header",
		file:  "subscriber.go",
		edits: []edit{{`if want.guard.hides(g.Stream) {`, `if false {`}},
		test:  "TestAccessIsKeptInRandomWorlds",
	},
	{
		name: "what is granted in part is granted whole", seen: "our own",
		file: "access.go",
		edits: []edit{{`if grant.Filter == "" {
			open`, `if true {
			open`}},
		test: "TestAccessIsKeptInRandomWorlds",
	},
	{
		name: "a view is computed from everything", seen: "dashboards with one query for all tenants",
		file:  "viewsubscribe.go",
		edits: []edit{{`v.reads, v.filter, v.text = allowed.streams, allowed.guard.and(v.filter), v.String()`, `v.reads, v.text = Selection{v.Select}, v.String()`}},
		test:  "TestViewsAreComputedFromWhatMayBeRead",
	},
	{
		name: "feeds are shared by those who may see other things", seen: "our own",
		file:  "condition.go",
		edits: []edit{{`guard: want.guard.key(), `, ``}},
		test:  "TestAccessIsKeptInRandomWorlds",
	},
	{
		name: "a ticket can be used again", seen: "mortise #318",
		file:  "internal/auth/ticket.go",
		edits: []edit{{`if !first {`, `if !first && false {`}},
		pkg:   "./internal/server", test: "TestATicketIsGoodForOneConnection",
	},
	{
		name: "a ticket is taken for a session", seen: "seals without a purpose",
		file:  "internal/auth/identity.go",
		edits: []edit{{`expected := jwt.Expected{AnyAudience: jwt.Audience{"streamgauge " + purpose}, Time: time.Now()}`, `expected := jwt.Expected{Time: time.Now()}`}},
		pkg:   "./internal/server", test: "TestATicketIsGoodForOneConnection",
	},
	{
		name: "a link signs in twice at the same time", seen: "check, then mark as used",
		file:  "internal/auth/store.go",
		edits: []edit{{`Events: []streamgauge.Event{e}, Key: key}`, `Events: []streamgauge.Event{e}, Key: key[:0]}`}},
		pkg:   "./internal/auth", test: "TestALinkSignsInOnce",
	},
	{
		name: "a sign-in leads to any site", seen: "open redirects",
		file:  "internal/auth/oidc.go",
		edits: []edit{{`if err != nil || u.IsAbs() || u.Host != "" ||`, `if err != nil || u == nil ||`}, {` || strings.HasPrefix(path, "//")`, ``}},
		pkg:   "./internal/server", test: "TestPeopleSignInWithAProvider",
	},
	{
		name: "any name is answered", seen: "DNS rebinding: many local servers",
		file: "internal/server/hosts.go",
		edits: []edit{{`	for _, domain := range h.domains {`, `	if strings.Contains(host, "localhost") { return true }
	for _, domain := range h.domains {`}},
		pkg: "./internal/server", test: "TestOnlyKnownNamesAreAnswered",
	},
	{
		name: "X-Forwarded-For is believed from the left", seen: "rate limits that anybody passes",
		file:  "internal/auth/proxy.go",
		edits: []edit{{`for _, hop := range slices.Backward(hops) {`, `for _, hop := range hops {`}},
		pkg:   "./internal/server", test: "TestProxiesSayWhoseARequestIs",
	},
}
