package databases

import (
	"database/sql"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"

	"github.com/go-sql-driver/mysql"
)

var mariadb = product{
	name:     "MariaDB",
	programs: mariadbPrograms,
	files: func(s *Server) map[string]string {
		// Statements of an init file have one line each and run at every start, on
		// each node of a cluster by itself.
		return map[string]string{"log": "", "init.sql": fmt.Sprintf("SET SESSION wsrep_on = OFF;\nCREATE OR REPLACE USER root@localhost IDENTIFIED BY '%s';\n"+
			"GRANT ALL ON *.* TO root@localhost WITH GRANT OPTION;\n", s.password)}
	},
	initialise: func(s *Server) []string {
		return []string{s.programs.initialise, "--no-defaults", "--datadir=" + s.data(), "--auth-root-authentication-method=normal",
			"--skip-test-db", "--skip-name-resolve", "--innodb-use-native-aio=0", "--innodb-log-file-size=16M"}
	},
	serve: func(s *Server) []string {
		// --no-defaults must come first: it keeps the machine's configuration out.
		command := []string{s.programs.serve, "--no-defaults", "--datadir=" + s.data(), "--socket=" + s.socket(), "--bind-address=127.0.0.1",
			"--port=" + fmt.Sprint(s.port), "--pid-file=" + filepath.Join(s.directory, "pid"), "--init-file=" + filepath.Join(s.directory, "init.sql")}
		// Nothing in a test outlives the machine, so nothing waits for a disk. A
		// commit is written all the same: a server that does not do that is warned of.
		for _, setting := range slices.Concat([]string{"innodb_flush_log_at_trx_commit=1", "innodb_flush_method=nosync", "innodb_doublewrite=0", "skip_log_bin", "skip_name_resolve",
			"innodb_use_native_aio=0", "innodb_buffer_pool_size=64M", "innodb_log_file_size=16M", "character_set_server=utf8mb4", "ssl_cert=" + filepath.Join(s.directory, "server.crt"),
			"ssl_key=" + filepath.Join(s.directory, "server.key"), "ssl_ca=" + s.CAFile()}, s.settings) {
			command = append(command, "--"+setting)
		}
		return command
	},
	url: func(s *Server, c credentials, socket bool) string {
		if c.user == "" {
			c.user, c.password = "root", s.password
		}
		u := url.URL{Scheme: "mysql", User: url.UserPassword(c.user, c.password), Host: s.Address(), Path: "/" + c.database}
		if socket {
			u.Host = "localhost"
			u.RawQuery = url.Values{"socket": {s.socket()}}.Encode()
		}
		return u.String()
	},
	open: func(address string) (*sql.DB, error) {
		u, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		c := mysql.NewConfig()
		c.User, c.DBName = u.User.Username(), u.Path[1:]
		c.Passwd, _ = u.User.Password()
		c.Net, c.Addr = "tcp", u.Host
		if socket := u.Query().Get("socket"); socket != "" {
			c.Net, c.Addr = "unix", socket
		}
		// Its only talk is of connections that end, which is what tests do.
		c.Logger = &mysql.NopLogger{}
		connector, err := mysql.NewConnector(c)
		if err != nil {
			return nil, err
		}
		return sql.OpenDB(connector), nil
	},
	create: func(c credentials) []string {
		return []string{
			fmt.Sprintf("CREATE DATABASE %s", c.database),
			fmt.Sprintf("CREATE USER %s IDENTIFIED BY '%s'", c.user, c.password),
			fmt.Sprintf("GRANT ALL ON %s.* TO %s", c.database, c.user),
		}
	},
	drop: func(c credentials) []string {
		return []string{
			fmt.Sprintf("DROP DATABASE IF EXISTS %s", c.database),
			fmt.Sprintf("DROP USER IF EXISTS %s", c.user),
		}
	},
	durable: []string{"innodb_flush_method=O_DIRECT", "innodb_doublewrite=1", "innodb_buffer_pool_size=128M", "innodb_log_file_size=96M", "max_allowed_packet=16M"},
	size:    "SELECT COALESCE(SUM(FILE_SIZE), 0) FROM information_schema.INNODB_SYS_TABLESPACES WHERE NAME LIKE CONCAT(REPLACE(DATABASE(), '_', '\\\\_'), '/%')",

	stop: "TERM",
	kill: "KILL",
}

// socket returns the path of MariaDB's unix socket.
func (s *Server) socket() string { return filepath.Join(s.directory, "socket") }

func mariadbPrograms() (programs, error) {
	directories := []string{"/usr/sbin", "/usr/libexec", "/usr/local/sbin", "/usr/local/bin", "/usr/local/mysql/bin", "/opt/homebrew/opt/mariadb/bin"}
	install, err := find("mariadb-install-db", directories)
	if err != nil {
		return programs{}, fmt.Errorf("MariaDB: %w", err)
	}
	server, err := find("mariadbd", directories)
	if err != nil {
		return programs{}, fmt.Errorf("MariaDB: %w", err)
	}
	return programs{install, server}, nil
}
