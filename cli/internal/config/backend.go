package config

import (
	"errors"
	"fmt"

	"github.com/codex-archive/codex/sdk"
)

// settleBackend replaces ${NAME} in the URL, derives the type where it was not
// chosen, and checks that they go together.
func (l *loader) settleBackend() error {
	url, kind := l.origin("backend.url"), l.origin("backend.type")
	l.collectSecrets(url)
	l.loaded.sends = l.sends()
	if l.refuseBackend() {
		_ = deriveType(kind, url) // the refusal comes first; the type is shown to the user who decides on trust
		l.loaded.Backend.Type, l.loaded.Backend.URL = kind.Value, url.Value
		return nil
	}
	if err := l.expandURL(url); err != nil {
		return err
	}
	if err := deriveType(kind, url); err != nil {
		return err
	}
	l.loaded.Backend.Type, l.loaded.Backend.URL = kind.Value, url.Value
	return checkTogether(kind, url)
}

// deriveType takes the type from the URL, where only the URL was chosen.
func deriveType(kind, url *Origin) error {
	scheme := schemeOf(url.Value)
	if kind.Source.Layer != Default || url.Source.Layer == Default || scheme == "" {
		return nil
	}
	backend := backendOf(scheme)
	if !sdk.ValidBackendName(backend) {
		return &ValueError{where: url.Source.where(), key: url.Key, found: showURL(url.Value),
			allowed: "a URL whose scheme names a backend, or backend.type beside it"}
	}
	kind.Value, kind.Written, kind.Source.Name = backend, backend, fmt.Sprintf("scheme of backend.url (%s)", url.Source)
	return nil
}

// checkTogether checks that the URL is one of the type.
func checkTogether(kind, url *Origin) error {
	found, allowed, ok := checkURL(kind.Value, url.Value)
	switch {
	case ok:
		return nil
	case url.Source.Layer == Default:
		// The URL was not chosen, so the type is what can be corrected.
		return &ValueError{where: kind.Source.where(), key: kind.Key, found: kind.Value,
			allowed: fmt.Sprintf("%s for backend.url %s (%s); set backend.url too", backendOf(schemeOf(url.Value)), showURL(url.Value), url.Source)}
	case schemeOf(url.Value) != "":
		found = fmt.Sprintf("%s (%s)", found, url.Source)
		allowed = fmt.Sprintf("%s for backend.type %s (%s)", allowed, kind.Value, kind.Source)
	}
	return &ValueError{where: url.Source.where(), key: url.Key, found: found, allowed: allowed}
}

// expandURL replaces ${NAME} in a URL from a file.
func (l *loader) expandURL(url *Origin) error {
	source := url.Source
	if source.Layer != ProjectFile && source.Layer != ExplicitFile {
		return nil
	}
	expanded, err := expand(url.text, l.lookup)
	var bad *badExpansion
	if errors.As(err, &bad) {
		return &ValueError{where: source.where(), key: url.Key, found: bad.found, allowed: bad.allowed}
	}
	if err != nil {
		return err
	}
	k, _ := l.key(url.Key)
	var scratch Config
	canonical, ok := k.set(&scratch, expanded)
	if !ok {
		return &ValueError{where: source.where(), key: url.Key, found: "a value that is no URL once ${NAME} is replaced", allowed: k.Allowed}
	}
	url.Value = canonical
	l.loaded.secrets = append(l.loaded.secrets, canonical)
	return nil
}

// lookup is how a trusted file reads the environment.
func (l *loader) lookup(name string) (string, error) {
	value, ok := l.options.Env(name)
	if !ok {
		return "", &badExpansion{"${" + name + "}, which is not set", "a variable that is set"}
	}
	return value, nil
}

// collectSecrets remembers every URL, so that no secret of an overruled one is
// printed either, and the passwords that backends take from the environment.
func (l *loader) collectSecrets(url *Origin) {
	l.loaded.secrets = append(l.loaded.secrets, withVariables(url.Value, ""))
	for _, s := range url.Overruled {
		l.loaded.secrets = append(l.loaded.secrets, s.Value)
	}
	for _, name := range []string{"PGPASSWORD", "MYSQL_PWD"} {
		if password, ok := l.options.Env(name); ok {
			l.loaded.secrets = append(l.loaded.secrets, asURL(password))
		}
	}
}
