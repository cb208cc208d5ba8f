package config

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"github.com/streamgauge/streamgauge"
	"github.com/streamgauge/streamgauge/filter"
	"github.com/streamgauge/streamgauge/internal/auth"
)

var (
	_ nodeValue = grants{}
	_ nodeValue = issuers{}
	_ nodeValue = prefixes{}
)

// given reports whether anything says who may do what.
func (a *Auth) given() bool {
	return a.AdminToken != "" || len(a.Grants)+len(a.Issuers) > 0 || a.ProxyUser != "" || a.OIDC.Issuer != "" || a.Require == "always"
}

// AuthRequired reports whether everybody has to show who they are, of a server that only
// this machine can reach or not.
func (c *Config) AuthRequired(local bool) bool {
	// With a proxy before it, or a name in the world, it is reached from elsewhere.
	elsewhere := !local || len(c.TrustedProxies)+len(c.TLS.ACME) > 0
	return !c.InsecureOpen && (c.Auth.given() || elsewhere)
}

// flag is a setting that is on or off.
type flag struct{ p *bool }

func (v flag) Text() string { return strconv.FormatBool(*v.p) }
func (v flag) Kind() string { return "true | false" }
func (v flag) Set(s string) (err error) {
	if *v.p, err = strconv.ParseBool(s); err != nil {
		return fmt.Errorf("is %q, it must be true or false", s)
	}
	return nil
}

// maybe is a word that there need not be.
type maybe struct {
	p    *string
	kind string
}

func (v maybe) Text() string { return *v.p }
func (v maybe) Kind() string { return v.kind }
func (v maybe) Set(s string) error {
	*v.p = s
	return nil
}

// secret is a text that is never shown.
type secret struct {
	p     *string
	least int
}

func (v secret) Kind() string { return "secret" }
func (v secret) Text() string {
	if *v.p == "" {
		return ""
	}
	return "xxxxx"
}

func (v secret) Set(s string) error {
	s = strings.TrimSpace(s) // as files end with a line end
	if s != "" && len(s) < v.least {
		return fmt.Errorf("has %d characters, it must have at least %d", len(s), v.least)
	}
	*v.p = s
	return nil
}

// checkHost wants a name, perhaps with "*." before it.
func checkHost(s string) error {
	name := strings.TrimPrefix(s, "*.")
	bad := strings.ContainsFunc(name, func(c rune) bool {
		return c != '-' && c != '.' && c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z')
	})
	switch {
	case s == "*":
		return fmt.Errorf("is every host: name them one by one, or with *. before a domain")
	case strings.Contains(s, "://") || strings.Contains(s, ":"):
		return fmt.Errorf("is %q; a host is only the name, without scheme and port", s)
	case bad || name == "" || strings.HasPrefix(name, ".") || strings.HasSuffix(name, "."):
		return fmt.Errorf("is %q, which is no name such as metrics.example.com, in lower case", s)
	}
	return nil
}

// checkName wants one name.
func checkName(s string) error {
	if strings.HasPrefix(s, "*") {
		return fmt.Errorf("is %q; a certificate for all names of a domain can't be got this way", s)
	}
	return checkHost(s)
}

func checkScope(s string) error {
	if s == "" || strings.ContainsAny(s, " \"\\") {
		return fmt.Errorf("is %q, which is no scope", s)
	}
	return nil
}

// prefixes is a list of addresses.
type prefixes struct{ p *[]netip.Prefix }

func (v prefixes) Kind() string       { return "list of addresses" }
func (v prefixes) Set(s string) error { return setInline(v, s) }

func (v prefixes) Text() string {
	texts := make([]string, len(*v.p))
	for i, p := range *v.p {
		texts[i] = strconv.Quote(p.String())
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (v prefixes) setNode(d *decoder, key string, node *yaml.Node) {
	var list []netip.Prefix
	for i, n := range d.items(node, key) {
		d.scalar(n, fmt.Sprintf("%s[%d]", key, i), item{func(s string) error {
			p, err := netip.ParsePrefix(s)
			if err != nil {
				addr, err := netip.ParseAddr(s)
				if err != nil {
					return fmt.Errorf("is %q, which is no address such as 10.0.0.5 or 10.0.0.0/24", s)
				}
				p = netip.PrefixFrom(addr, addr.BitLen())
			}
			if p.Bits() == 0 {
				return fmt.Errorf("is %q, which is everybody: whoever sends the header would be believed", s)
			}
			list = append(list, p.Masked())
			return nil
		}, "address"})
	}
	*v.p = list
}

// selection is a list of selectors.
type selection struct{ p *streamgauge.Selection }

func (v selection) Kind() string       { return "list of selectors" }
func (v selection) Set(s string) error { return setInline(v, s) }
func (v selection) Text() string {
	texts := v.p.Strings()
	return words{p: &texts}.Text()
}

func (v selection) setNode(d *decoder, key string, node *yaml.Node) {
	var texts []string
	words{&texts, "selector", func(s string) error {
		_, err := streamgauge.ParseSelector(s)
		return err
	}}.setNode(d, key, node)
	if s, err := streamgauge.NewSelection(texts...); err == nil {
		*v.p = s
	}
}

// condition is one in the language of filters, in which user.NAME stands for what is known
// of the user.
type condition struct{ p *string }

func (v condition) Kind() string { return "condition" }
func (v condition) Text() string { return *v.p }
func (v condition) Set(s string) error {
	if err := auth.CheckCondition(s, CheckFilter); err != nil {
		return fmt.Errorf("is no condition: %w", err)
	}
	*v.p = s
	return nil
}

// CheckFilter says what is wrong with a condition.
func CheckFilter(source string) error {
	_, err := filter.Compile(source)
	return err
}

type grants struct{ p *[]auth.Grant }

func (v grants) Kind() string       { return "list of grants" }
func (v grants) Set(s string) error { return setInline(v, s) }

func grantFields(g *auth.Grant) []Field {
	return []Field{
		{Key: "to", Value: words{&g.To, "person or group", checkTo}},
		{Key: "read", Value: selection{&g.Read}},
		{Key: "where", Value: condition{&g.Where}},
		{Key: "write", Value: selection{&g.Write}},
		{Key: "admin", Value: flag{&g.Admin}},
	}
}

func checkTo(s string) error {
	kind, name, _ := strings.Cut(s, ":")
	if s == auth.ToAnyone || s == auth.ToSignedIn || (kind == "user" || kind == "group") && name != "" {
		return nil
	}
	return fmt.Errorf("is %q, it must be user:NAME, group:NAME, %s or %s", s, auth.ToSignedIn, auth.ToAnyone)
}

func (v grants) Text() string {
	texts := make([]string, len(*v.p))
	for i := range *v.p {
		texts[i] = flow(grantFields(&(*v.p)[i]))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

// flow returns what is set of the fields as flow YAML.
func flow(fields []Field) string {
	var parts []string
	for _, f := range fields {
		text := f.Text()
		if text == "" || text == "[]" || text == "false" {
			continue
		}
		if _, list := f.Value.(nodeValue); !list && f.Kind() != "true | false" {
			text = strconv.Quote(text)
		}
		parts = append(parts, f.Key+": "+text)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func (v grants) setNode(d *decoder, key string, node *yaml.Node) {
	var list []auth.Grant
	for i, n := range d.items(node, key) {
		label := fmt.Sprintf("%s[%d]", key, i)
		g, before := auth.Grant{}, len(d.errs)
		d.mapping(n, label+".", "", grantFields(&g))
		switch {
		case len(d.errs) > before: // said already
		case len(g.To) == 0:
			d.fail(n, label, "has no to", `say whom it is for, such as to: ["group:ops"] or to: [signed-in]`)
		case len(g.Read)+len(g.Write) == 0 && !g.Admin:
			d.fail(n, label, "grants nothing", "say read, write or admin")
		case g.Where != "" && len(g.Read) == 0:
			d.fail(n, label+".where", "says which events of read may be seen, but there is no read", "")
		case g.Admin && len(g.Read)+len(g.Write) > 0:
			d.fail(n, label+".admin", "is everything", "leave read, where and write out")
		case g.Admin && (slices.Contains(g.To, auth.ToAnyone) || slices.Contains(g.To, auth.ToSignedIn)):
			d.fail(n, label+".admin", "is for everybody", "name users or groups; insecure_open: true is what lets everybody do everything")
		}
		list = append(list, g)
	}
	*v.p = list
}

type issuers struct{ p *[]auth.Issuer }

func (v issuers) Kind() string       { return "list of issuers" }
func (v issuers) Set(s string) error { return setInline(v, s) }

func issuerFields(i *auth.Issuer) []Field {
	any := func(string) error { return nil }
	return []Field{
		{Key: "issuer", Value: word{&i.Issuer, "URL"}},
		{Key: "audience", Value: word{&i.Audience, "text"}},
		{Key: "algorithms", Value: words{&i.Algorithms, "algorithm", any}},
		{Key: "keys", Value: word{&i.Keys, "URL"}},
		{Key: "secret", Value: secret{&i.Secret, 1}},
		{Key: "user", Value: word{&i.User, "claim"}},
		{Key: "groups", Value: word{&i.Groups, "claim"}},
	}
}

func (v issuers) Text() string {
	texts := make([]string, len(*v.p))
	for i := range *v.p {
		texts[i] = flow(issuerFields(&(*v.p)[i]))
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

func (v issuers) setNode(d *decoder, key string, node *yaml.Node) {
	var list []auth.Issuer
	for n, item := range d.items(node, key) {
		label := fmt.Sprintf("%s[%d]", key, n)
		one, before := auth.Issuer{}, len(d.errs)
		d.mapping(item, label+".", "", issuerFields(&one))
		if len(d.errs) == before {
			if err := one.Check(); err != nil {
				d.fail(item, label, err.Error(), "")
			}
		}
		for _, other := range list {
			if other.Issuer == one.Issuer && one.Issuer != "" {
				d.fail(item, label+".issuer", "is there already", "")
			}
		}
		list = append(list, one)
	}
	*v.p = list
}
