package databases

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// providers are where packages keep the Galera library.
var providers = []string{"/usr/lib/galera/libgalera_smm.so", "/usr/lib64/galera-4/libgalera_smm.so", "/usr/lib64/galera/libgalera_smm.so"}

// NewGalera starts a cluster of MariaDB servers with Galera that lives until t
// ends. A node that was killed joins again when it is started.
func NewGalera(t testing.TB, nodes int) []*Server {
	t.Helper()
	needsServer(t)
	provider, err := find("libgalera_smm.so", nil)
	for _, path := range providers {
		if _, missing := os.Stat(path); missing == nil {
			provider, err = path, nil
		}
	}
	require(t, err)
	ports := make([]int, nodes)
	var members []string
	for i := range ports {
		if ports[i], err = galeraPort(); err != nil {
			t.Fatal(err)
		}
		members = append(members, fmt.Sprintf("127.0.0.1:%d", ports[i]))
	}
	cluster := make([]*Server, nodes)
	for i := range cluster {
		// Node 0 makes the cluster, and later joins it as the others do.
		s, err := newNode(provider, strings.Join(members, ","), ports[i], i == 0, cluster[0])
		require(t, err)
		cluster[i] = s
		t.Cleanup(func() {
			if err := s.remove(); err != nil {
				t.Errorf("remove server: %v", err)
			}
		})
		s.AwaitSynced(t, i+1)
	}
	return cluster
}

// newNode starts a node. All nodes have the superuser's password of the first.
func newNode(provider, members string, port int, bootstrap bool, first *Server) (*Server, error) {
	settings := []string{
		"wsrep_on=ON", "wsrep_provider=" + provider, "wsrep_cluster_address=gcomm://" + members, "binlog_format=ROW", "innodb_autoinc_lock_mode=2",
		fmt.Sprintf("wsrep_node_address=127.0.0.1:%d", port), "wsrep_sst_method=rsync", fmt.Sprintf("wsrep_sst_receive_address=127.0.0.1:%d", port+2),
		fmt.Sprintf("wsrep_provider_options=gmcast.listen_addr=tcp://127.0.0.1:%d;ist.recv_addr=127.0.0.1:%d", port, port+1),
	}
	p := mariadb
	if first != nil {
		p.files = func(s *Server) map[string]string {
			s.password = first.password
			return mariadb.files(s)
		}
	}
	s, err := prepared(p, settings)
	if err != nil {
		return nil, err
	}
	s.product = mariadb
	if bootstrap {
		s.settings = append(s.settings, "wsrep-new-cluster")
	}
	if err := s.firstStart(); err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.directory))
	}
	s.settings = settings
	return s, nil
}

// galeraPort returns the first of three free ports in a row: of the group, of
// incremental and of whole transfers of state.
func galeraPort() (int, error) {
	for {
		port, err := freePort()
		if err != nil {
			return 0, err
		}
		free := true
		for next := port + 1; next <= port+2 && free; next++ {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", next))
			if free = err == nil; free {
				free = l.Close() == nil
			}
		}
		if free {
			return port, nil
		}
	}
}

// AwaitSynced waits until a node is part of a cluster of so many nodes and takes
// writes.
func (s *Server) AwaitSynced(t testing.TB, nodes int) {
	t.Helper()
	admin := s.admin(t, "")
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	err := s.running.until(ctx, func(ctx context.Context) error {
		var state, size string
		err := admin.QueryRowContext(ctx, `SELECT MAX(IF(variable_name = 'WSREP_LOCAL_STATE_COMMENT', variable_value, '')),
			MAX(IF(variable_name = 'WSREP_CLUSTER_SIZE', variable_value, '')) FROM information_schema.global_status`).Scan(&state, &size)
		if err == nil && (state != "Synced" || size != fmt.Sprint(nodes)) {
			err = fmt.Errorf("the node is %s in a cluster of %s", state, size)
		}
		return err
	})
	if err != nil {
		log, _ := os.ReadFile(filepath.Join(s.directory, "log"))
		t.Fatalf("%v\n%s", err, tail(log))
	}
}
