package databases

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Variable names the directory into which [Share] has written where its
// servers are.
const Variable = "CODEX_TEST_SERVERS"

// template is, in a shared server's directory, a copy of its data from before
// its first start.
const template = "template"

// sharedSettings make room for the connections of several test binaries.
var sharedSettings = []string{"max_connections=500"}

// access is what another process needs to use a server.
type access struct {
	Directory string `json:"directory"`
	Port      int    `json:"port"`
	Password  string `json:"password"` // of the superuser
}

// Share starts a server of each database that is installed, and writes into
// the new directory how test binaries reach them. end ends the servers.
func Share(directory string) (end func() error, err error) {
	if err := os.Mkdir(directory, 0o700); err != nil {
		return func() error { return nil }, err
	}
	products := []product{postgres, mariadb}
	servers, errs := make([]*Server, len(products)), make([]error, len(products))
	var starts sync.WaitGroup
	for i, p := range products {
		starts.Go(func() { servers[i], errs[i] = shareOne(p, directory) })
	}
	starts.Wait()
	end = func() error {
		var errs []error
		for _, s := range servers {
			if s != nil {
				errs = append(errs, s.remove())
			}
		}
		return errors.Join(errs...)
	}
	return end, errors.Join(errs...)
}

// shareOne starts one server. That its programs are missing is for the tests
// to say.
func shareOne(p product, directory string) (*Server, error) {
	s, err := prepared(p, sharedSettings)
	if errors.Is(err, errMissing) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := s.run("cp", "-a", s.data(), filepath.Join(s.directory, template)); err != nil {
		return s, err
	}
	if err := s.firstStart(); err != nil {
		return s, err
	}
	text, err := json.Marshal(access{s.directory, s.port, s.password})
	if err != nil {
		return s, err
	}
	return s, os.WriteFile(filepath.Join(directory, p.name), text, 0o600)
}

// sharedServer returns the server that Share started, or else a new one.
func sharedServer(p product) (*Server, error) {
	a, err := sharedAccess(p)
	if err != nil {
		return nil, err
	}
	if a == nil {
		return newServer(p, sharedSettings)
	}
	return &Server{product: p, directory: a.Directory, port: a.Port, password: a.Password, attached: true}, nil
}

// sharedAccess returns nil where Share has started no server of this product.
func sharedAccess(p product) (*access, error) {
	directory := os.Getenv(Variable)
	if directory == "" {
		return nil, nil
	}
	text, err := os.ReadFile(filepath.Join(directory, p.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var a access
	return &a, json.Unmarshal(text, &a)
}
