package backendtest

import (
	"errors"
	"fmt"
	"strings"

	"github.com/codex-archive/codex/sdk"
)

// canary stands for a password: nothing else holds these letters.
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
	_, err := t.tryOpen(t.ctx, o)
	if err == nil {
		return // a backend may find a meaning in it
	}
	var e *sdk.Error
	if !errors.As(err, &e) {
		t.Errorf("open %s: the error is a %T, want *sdk.Error", sdk.RedactURL(o.URL), err)
	} else if e.Effect != sdk.EffectNone {
		t.Errorf("open %s: effect %d", sdk.RedactURL(o.URL), e.Effect)
	}
	for cause := err; cause != nil; cause = errors.Unwrap(cause) {
		for _, form := range []string{"%v", "%+v", "%#v"} {
			if strings.Contains(fmt.Sprintf(form, cause), canary) {
				t.Errorf("open of a URL like %s: the error holds the password", strings.ReplaceAll(o.URL, canary, "PASSWORD"))
				return
			}
		}
	}
}
