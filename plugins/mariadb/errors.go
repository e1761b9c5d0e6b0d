package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strconv"

	"github.com/go-sql-driver/mysql"

	"github.com/codex-archive/codex/sdk"
	"github.com/codex-archive/codex/sdk/sqlbackend"
)

// classes say what the server's error numbers mean. What is not listed is a
// statement of ours that is wrong.
var classes = map[uint16]sqlbackend.Class{
	1021: {Kind: sdk.Full},                    // disk full
	1026: {Kind: sdk.Full},                    // error writing a file
	1114: {Kind: sdk.Full, Answered: true},    // the table is full
	1034: {Kind: sdk.Corrupt, Answered: true}, // index corrupted
	1035: {Kind: sdk.Corrupt, Answered: true}, // old index file
	1194: {Kind: sdk.Corrupt, Answered: true}, // table crashed
	1195: {Kind: sdk.Corrupt, Answered: true}, // table crashed, repair failed
	1712: {Kind: sdk.Corrupt, Answered: true}, // index corrupted
	1030: {Kind: sdk.Internal, Final: true},   // the storage engine's own error, such as a failing disk
	1180: {Kind: sdk.Unreachable},             // error during COMMIT: it may stand

	1213: {Kind: sdk.Busy, Answered: true},              // deadlock
	1020: {Kind: sdk.Busy, Answered: true},              // record has changed since last read
	1205: {Kind: sdk.Busy, Answered: true},              // lock wait time-out
	1615: {Kind: sdk.Busy, Answered: true},              // prepared statement needs to be prepared again
	1040: {Kind: sdk.Busy, Answered: true},              // too many connections
	1203: {Kind: sdk.Busy, Answered: true},              // too many connections of this user
	1226: {Kind: sdk.Busy, Answered: true},              // this user's limit
	1037: {Kind: sdk.Busy, Answered: true, Final: true}, // out of memory
	1038: {Kind: sdk.Busy, Answered: true, Final: true}, // out of sort memory
	1041: {Kind: sdk.Busy, Answered: true, Final: true}, // out of memory

	1047: {Kind: sdk.Unreachable, Answered: true}, // a node that is not ready (Galera)
	1053: {Kind: sdk.Unreachable},                 // shutdown in progress
	1927: {Kind: sdk.Unreachable},                 // connection killed
	1152: {Kind: sdk.Unreachable},                 // connection aborted
	1158: {Kind: sdk.Unreachable},                 // network: read
	1159: {Kind: sdk.Unreachable},                 // network: read time-out
	1160: {Kind: sdk.Unreachable},                 // network: write
	1161: {Kind: sdk.Unreachable},                 // network: write time-out
	1317: {Kind: sdk.Busy, Answered: true},        // statement killed, not by us
	1969: {Kind: sdk.Timeout, Answered: true},     // max_statement_time

	1045: {Kind: sdk.Login, Answered: true},  // wrong user or password
	1698: {Kind: sdk.Login, Answered: true},  // the user logs in by other means
	1130: {Kind: sdk.Login, Answered: true},  // host not allowed
	1129: {Kind: sdk.Login, Answered: true},  // host blocked after many errors
	1820: {Kind: sdk.Login, Answered: true},  // password expired
	1862: {Kind: sdk.Login, Answered: true},  // password expired
	4151: {Kind: sdk.Login, Answered: true},  // account locked
	3159: {Kind: sdk.Login, Answered: true},  // the server wants TLS
	1044: {Kind: sdk.Denied, Answered: true}, // database
	1142: {Kind: sdk.Denied, Answered: true}, // table
	1143: {Kind: sdk.Denied, Answered: true}, // column
	1227: {Kind: sdk.Denied, Answered: true}, // privilege
	1290: {Kind: sdk.Denied, Answered: true}, // --read-only
	1792: {Kind: sdk.Denied, Answered: true}, // read-only transaction
	1836: {Kind: sdk.Denied, Answered: true}, // read-only mode

	1049: {Kind: sdk.NoArchive, Answered: true},   // no such database
	1054: {Kind: sdk.Schema, Answered: true},      // no such column
	1146: {Kind: sdk.Schema, Answered: true},      // no such table
	1193: {Kind: sdk.Unsupported, Answered: true}, // no such variable: not a MariaDB of 10.5 or later

	1062: {Kind: sdk.Conflict, Answered: true},      // duplicate key
	1452: {Kind: sdk.ContentAbsent, Answered: true}, // foreign key: no parent
	1451: {Kind: sdk.Conflict, Answered: true},      // foreign key: has children
	1048: {Kind: sdk.Invalid, Answered: true},       // NULL
	1264: {Kind: sdk.Invalid, Answered: true},       // out of range
	1366: {Kind: sdk.Invalid, Answered: true},       // incorrect value
	1406: {Kind: sdk.Invalid, Answered: true},       // too long
	1153: {Kind: sdk.Limit, Answered: true},         // packet larger than max_allowed_packet
	1118: {Kind: sdk.Limit, Answered: true},         // row too large
}

// classify says what an error of the driver means.
func classify(err error) sqlbackend.Class {
	if answer, ok := errors.AsType[*mysql.MySQLError](err); ok {
		class, known := classes[answer.Number]
		if !known {
			class = sqlbackend.Class{Kind: sdk.Internal, Answered: true}
		}
		class.Native, class.Msg = strconv.Itoa(int(answer.Number)), answer.Message
		return class
	}
	switch {
	case errors.Is(err, mysql.ErrInvalidConn):
		return sqlbackend.Class{Kind: sdk.Unreachable, Msg: "the connection was lost"}
	case errors.Is(err, mysql.ErrPktTooLarge):
		return sqlbackend.Class{Kind: sdk.Limit, Msg: "a statement is larger than a packet of 1 MiB"}
	case errors.Is(err, mysql.ErrNoTLS):
		return sqlbackend.Class{Kind: sdk.Unreachable, Final: true, Msg: "the server does not do TLS, and the URL asks for it"}
	case isLogin(err):
		return sqlbackend.Class{Kind: sdk.Login}
	case isTLS(err):
		return sqlbackend.Class{Kind: sdk.Unreachable, Final: true}
	}
	return sqlbackend.Class{}
}

// isLogin reports whether the server wants a kind of login that the driver does
// not do, or not without being asked.
func isLogin(err error) bool {
	for _, login := range []error{mysql.ErrCleartextPassword, mysql.ErrNativePassword, mysql.ErrOldPassword, mysql.ErrUnknownPlugin} {
		if errors.Is(err, login) {
			return true
		}
	}
	return false
}

// isTLS reports whether the two sides could not agree on an encrypted
// connection, which a second try will not change.
func isTLS(err error) bool {
	var (
		unknown  x509.UnknownAuthorityError
		hostname x509.HostnameError
		invalid  x509.CertificateInvalidError
		record   tls.RecordHeaderError
		alert    tls.AlertError
		verify   *tls.CertificateVerificationError
	)
	return errors.As(err, &unknown) || errors.As(err, &hostname) || errors.As(err, &invalid) ||
		errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &verify)
}
