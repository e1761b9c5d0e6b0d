package backendtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/hashicorp/go-hclog"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/archivepb"
)

// canary is in the place of a password: nothing else holds these letters.
const canary = "CaNaRy9x7"

func secretRules() []Rule {
	return []Rule{
		must("SECRET-01", "No error of Open holds a part of the password in the URL, however broken the URL is.", func(t *T) {
			for _, scheme := range t.target.Schemes {
				for _, url := range brokenURLs(scheme) {
					t.tellsNothing(sdk.Options{URL: url, Mode: sdk.ReadOnly})
				}
			}
		}, needsSchemes),
		must("SECRET-02", "No error of Open holds the password that came beside the URL.", func(t *T) {
			for _, scheme := range t.target.Schemes {
				for _, url := range []string{
					scheme + "://user@127.0.0.1:1/db", scheme + "://user:other@127.0.0.1:1/db",
					scheme + "://user@%zz/db", scheme + "://user@127.0.0.1:port/db",
				} {
					t.tellsNothing(sdk.Options{URL: url, Password: "p/@:#?%" + canary, Mode: sdk.ReadOnly})
				}
			}
		}, needsSchemes),
		must("SECRET-03", "No line that a program prints or logs, at any level, holds the password, wherever it came from.", logsTellNothing, needsProgram, needsSchemes),
		must("SECRET-04", "No error of any method, and nothing that Health says, holds the password that the archive was opened with.", methodsTellNothing),
	}
}

// brokenURLs hold the canary as a password, in all the ways people get URLs
// wrong. Nothing listens on port 1 of this machine.
func brokenURLs(scheme string) []string {
	var urls []string
	for _, password := range []string{canary, "a/" + canary, "a@" + canary, "a:" + canary, "a#" + canary, "a?" + canary, "a%" + canary, "%zz" + canary, "a b" + canary, "%00" + canary, canary + "/x@y"} {
		urls = append(urls, scheme+"://user:"+password+"@127.0.0.1:1/db")
	}
	for _, form := range []string{
		"%s://user:%s@127.0.0.1:port/db", "%s://user:%s@127.0.0.1:99999/db", "%s://user:%s@[::1/db",
		"%s://user:%s@127.0.0.1:1/db?sslmode=nonsense&tls=nonsense", "%s://user:%s@127.0.0.1:1/%%zz",
		"%s://user@127.0.0.1:1/db?password=%s", "%s://127.0.0.1:1/db?user=x&password=%s&port=nonsense", "%s:///relative.db?host=127.0.0.1&port=1&password=%s&mode=nonsense",
		"%s:user:%s@127.0.0.1:1/db", "%s//user:%s@127.0.0.1:1/db", " %s://user:%s@127.0.0.1:1/db", "%s://user:%s@127.0.0.1:1/db\n",
	} {
		urls = append(urls, fmt.Sprintf(form, scheme, canary))
	}
	return urls
}

// tellsNothing opens what o says, which mostly fails, and looks for the canary
// in everything an error can be made to say.
func (t *T) tellsNothing(o sdk.Options) {
	err := t.openRaw(o, func(raw error) {
		if tells(raw, canary) {
			t.Errorf("open of a URL like %s: the status holds the password", strings.ReplaceAll(o.URL, canary, "PASSWORD"))
		}
	})
	if err == nil {
		return // a backend may find a meaning in it
	}
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Errorf("open %s: the error is a %T, want *sdk.Error", sdk.RedactURL(o.URL), err)
	} else if e.Effect != sdk.EffectNone {
		t.Errorf("open %s: effect %v, want none", sdk.RedactURL(o.URL), e.Effect)
	}
	if tells(err, canary) {
		t.Errorf("open of a URL like %s: the error holds the password", strings.ReplaceAll(o.URL, canary, "PASSWORD"))
	}
}

// openRaw opens what o says until the rule ends. raw is shown errors as they
// come over the wire, where there is one: the host's half takes secrets out.
func (t *T) openRaw(o sdk.Options, raw func(error)) error {
	if t.target.Open != nil {
		_, err := t.tryOpen(t.ctx, o)
		return err
	}
	_, err := t.tryOpenOver(o, setup{dial: (&tap{fail: raw}).options()})
	return err
}

// tells looks for a secret in everything an error can be made to say.
func tells(err error, secret string) bool {
	for ; err != nil; err = errors.Unwrap(err) {
		for _, form := range []string{"%v", "%+v", "%#v"} {
			if strings.Contains(fmt.Sprintf(form, err), secret) {
				return true
			}
		}
	}
	return false
}

func logsTellNothing(t *T) {
	target := *t.target
	program := *target.Program
	program.Logger = hclog.New(&hclog.LoggerOptions{Output: io.Discard, Level: hclog.Trace})
	target.Program = &program
	for _, scheme := range target.Schemes {
		urls := append(brokenURLs(scheme), scheme+"://user@127.0.0.1:1/db")
		for len(urls) > 0 {
			var said recorder
			process, err := target.connect(t.ctx, setup{stdout: &said, stderr: &said})
			if err != nil {
				t.Fatalf("%v", err)
			}
			// A process is asked again until it has opened something.
			for opened := false; len(urls) > 0 && !opened; urls = urls[1:] {
				_, err := process.Open(t.ctx, target.options(sdk.Options{URL: urls[0], Password: "p/@:#?%" + canary, Mode: sdk.ReadOnly}))
				opened = err == nil
			}
			_ = process.Close() // what it said is what counts
			<-process.Exited()
			for line := range strings.Lines(said.String()) {
				if strings.Contains(line, canary) {
					t.Errorf("it printed the password: %q", shortened(strings.ReplaceAll(line, canary, "PASSWORD")))
				}
			}
		}
	}
}

// shortSecret is how many bytes a password has at least that is looked for: a
// shorter one is in many texts by chance.
const shortSecret = 6

func methodsTellNothing(t *T) {
	secrets := secretsOf(t.url)
	if len(secrets) == 0 {
		t.Skipf("a URL with a password of %d characters or more", shortSecret)
	}
	ended, cancel := context.WithCancel(t.ctx)
	cancel()
	b, s := t.rawBackend(func(text string) {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("a status holds the password")
			}
		}
	}), t.item(100)
	t.put(b, s)
	other := t.again(s)
	other.Tombstone = s.Tombstone
	server := t.health(b).Server
	for range 2 { // on an open archive, and on one that is closed
		_, err := b.Put(t.ctx, sequence(other))
		errs := []error{err, b.Append(t.ctx, []sdk.Event{t.hold(t.id(), "case")})}
		_, err = b.Missing(ended, []sdk.Digest{s.Content.SHA256})
		errs = append(errs, err)
		_, err = b.Purge(ended, t.purge(s.Tombstone))
		errs = append(errs, err)
		for found, err := range b.Get(t.ctx, []sdk.Tombstone{t.id()}) {
			errs = append(errs, err, found.Err)
		}
		for _, err := range b.List(ended, sdk.Query{}) {
			errs = append(errs, err)
		}
		for _, err := range errs {
			for _, secret := range secrets {
				if tells(err, secret) {
					t.Errorf("an error of kind %v holds the password", sdk.KindOf(err))
				}
			}
		}
		t.closed(b)
	}
	for _, secret := range secrets {
		if strings.Contains(server, secret) {
			t.Errorf("health names the password")
		}
	}
}

// rawBackend is backend. raw is shown the texts of errors as they come over the
// wire, where there is one.
func (t *T) rawBackend(raw func(string)) sdk.Backend {
	if t.target.Open != nil {
		return t.backend()
	}
	return t.openOver(setup{dial: (&tap{
		fail: func(err error) { raw(err.Error()) },
		got: func(f *archivepb.GetFrame) {
			for _, p := range f.GetParts() {
				raw(p.GetFailure().GetMessage())
			}
		},
	}).options()})
}

// secretsOf returns the password of a URL, as it is and as the URL writes it.
func secretsOf(text string) (secrets []string) {
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return nil
	}
	password, _ := u.User.Password()
	_, encoded, _ := strings.Cut(u.User.String(), ":")
	for _, form := range []string{password, encoded} {
		if len(form) >= shortSecret {
			secrets = append(secrets, form)
		}
	}
	return secrets
}
