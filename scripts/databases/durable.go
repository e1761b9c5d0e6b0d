package databases

import "errors"

// Durable is a server that waits for the disk, as a server with data of value
// does: for benchmarks. Its other settings are those of a fresh installation.
type Durable struct{ server *Server }

// StartPostgres and StartMariaDB start a server; nil: its programs are not
// installed. It must be stopped.
func StartPostgres() (*Durable, error) { return startDurable(postgres) }

// StartMariaDB is like [StartPostgres].
func StartMariaDB() (*Durable, error) { return startDurable(mariadb) }

func startDurable(p product) (*Durable, error) {
	s, err := newServer(p, p.durable)
	if errors.Is(err, errMissing) {
		return nil, nil
	}
	return &Durable{s}, err
}

// Stop ends the server and removes it.
func (d *Durable) Stop() error { return d.server.remove() }

// Create makes an empty database.
func (d *Durable) Create() (*Database, error) { return d.server.create() }

// Size is how many bytes the database takes, without logs of the server.
func (d *Database) Size() (bytes int64, err error) {
	admin, err := d.server.product.open(d.server.product.url(d.server, credentials{database: d.Name}, true))
	if err != nil {
		return 0, err
	}
	defer func() { _ = admin.Close() }() // its connections are idle
	return bytes, admin.QueryRow(d.server.product.size).Scan(&bytes)
}
