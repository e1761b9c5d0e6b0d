package main

import (
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
	1021: {Kind: sdk.Full},                         // disk full
	1026: {Kind: sdk.Full},                         // error writing a file
	1114: {Kind: sdk.Full, ServerReplied: true},    // the table is full
	1878: {Kind: sdk.Full},                         // error writing a temporary file
	200:  {Kind: sdk.Full, ServerReplied: true},    // max_tmp_session_space_usage
	201:  {Kind: sdk.Full, ServerReplied: true},    // max_tmp_total_space_usage
	1104: {Kind: sdk.Full, ServerReplied: true},    // max_join_size
	1118: {Kind: sdk.Full, ServerReplied: true},    // row too large for innodb_page_size
	1153: {Kind: sdk.Full, ServerReplied: true},    // packet larger than max_allowed_packet
	1301: {Kind: sdk.Full, ServerReplied: true},    // result larger than max_allowed_packet
	1197: {Kind: sdk.Full, ServerReplied: true},    // max_binlog_cache_size
	1705: {Kind: sdk.Full, ServerReplied: true},    // max_binlog_stmt_cache_size
	1206: {Kind: sdk.Full, ServerReplied: true},    // more locks than innodb_buffer_pool_size has room for
	1436: {Kind: sdk.Full, ServerReplied: true},    // thread_stack
	1034: {Kind: sdk.Corrupt, ServerReplied: true}, // index corrupted
	1035: {Kind: sdk.Corrupt, ServerReplied: true}, // old index file
	1194: {Kind: sdk.Corrupt, ServerReplied: true}, // table crashed
	1195: {Kind: sdk.Corrupt, ServerReplied: true}, // table crashed, repair failed
	1712: {Kind: sdk.Corrupt, ServerReplied: true}, // index corrupted
	1030: {Kind: sdk.Internal, Permanent: true},    // the storage engine's own error, such as a failing disk
	1180: {Kind: sdk.Unavailable},                  // error during COMMIT: it may have happened

	1213: {Kind: sdk.Busy, ServerReplied: true, Deadlock: true},  // it rolls the transaction back
	1020: {Kind: sdk.Busy, ServerReplied: true},                  // record has changed since last read
	1205: {Kind: sdk.Busy, ServerReplied: true},                  // lock wait time-out
	1615: {Kind: sdk.Busy, ServerReplied: true},                  // prepared statement needs to be prepared again
	1040: {Kind: sdk.Busy, ServerReplied: true},                  // too many connections
	1203: {Kind: sdk.Busy, ServerReplied: true},                  // too many connections of this user
	1226: {Kind: sdk.Busy, ServerReplied: true},                  // this user's limit
	1461: {Kind: sdk.Busy, ServerReplied: true},                  // too many prepared statements
	1037: {Kind: sdk.Busy, ServerReplied: true, Permanent: true}, // out of memory
	1038: {Kind: sdk.Busy, ServerReplied: true, Permanent: true}, // out of sort memory
	1041: {Kind: sdk.Busy, ServerReplied: true, Permanent: true}, // out of memory

	1047: {Kind: sdk.Unavailable, ServerReplied: true}, // a node that is not ready (Galera)
	1053: {Kind: sdk.Unavailable},                      // shutdown in progress
	1927: {Kind: sdk.Unavailable},                      // connection killed
	1152: {Kind: sdk.Unavailable},                      // connection aborted
	1158: {Kind: sdk.Unavailable},                      // network: read
	1159: {Kind: sdk.Unavailable},                      // network: read time-out
	1160: {Kind: sdk.Unavailable},                      // network: write
	1161: {Kind: sdk.Unavailable},                      // network: write time-out
	1317: {Kind: sdk.Busy, ServerReplied: true},        // statement killed, not by us
	1969: {Kind: sdk.Timeout, ServerReplied: true},     // max_statement_time

	1045: {Kind: sdk.Unauthenticated, ServerReplied: true},  // wrong user or password
	1698: {Kind: sdk.Unauthenticated, ServerReplied: true},  // the user logs in by other means
	1130: {Kind: sdk.Unauthenticated, ServerReplied: true},  // host not allowed
	1129: {Kind: sdk.Unauthenticated, ServerReplied: true},  // host blocked after many errors
	1820: {Kind: sdk.Unauthenticated, ServerReplied: true},  // password expired
	1862: {Kind: sdk.Unauthenticated, ServerReplied: true},  // password expired
	4151: {Kind: sdk.Unauthenticated, ServerReplied: true},  // account locked
	3159: {Kind: sdk.Unauthenticated, ServerReplied: true},  // the server wants TLS
	1044: {Kind: sdk.PermissionDenied, ServerReplied: true}, // database
	1142: {Kind: sdk.PermissionDenied, ServerReplied: true}, // table
	1143: {Kind: sdk.PermissionDenied, ServerReplied: true}, // column
	1227: {Kind: sdk.PermissionDenied, ServerReplied: true}, // privilege
	1290: {Kind: sdk.PermissionDenied, ServerReplied: true}, // --read-only
	1792: {Kind: sdk.PermissionDenied, ServerReplied: true}, // read-only transaction
	1836: {Kind: sdk.PermissionDenied, ServerReplied: true}, // read-only mode
	1665: {Kind: sdk.PermissionDenied, ServerReplied: true}, // binlog_format=STATEMENT

	1049: {Kind: sdk.NoArchive, ServerReplied: true},   // no such database
	1054: {Kind: sdk.Schema, ServerReplied: true},      // no such column
	1146: {Kind: sdk.Schema, ServerReplied: true},      // no such table
	1193: {Kind: sdk.Unsupported, ServerReplied: true}, // no such variable: not a MariaDB of 10.5 or later

	1062: {Kind: sdk.Conflict, ServerReplied: true}, // duplicate key
	1048: {Kind: sdk.Invalid, ServerReplied: true},  // NULL
	1264: {Kind: sdk.Invalid, ServerReplied: true},  // out of range
	1366: {Kind: sdk.Invalid, ServerReplied: true},  // incorrect value
	1406: {Kind: sdk.Invalid, ServerReplied: true},  // too long
}

// plain are sentences that go before what the server says, where its words help
// only its administrator.
var plain = map[uint16]string{
	1044: "the database is not there, or this user has no right to it",
	1193: "the server is no MariaDB of 10.5 or later",
	1665: statementLog,
	1820: "the password has expired",
	1862: "the password has expired",
}

// remedies go after what the server says.
var remedies = map[uint16]string{
	1049: "the server's administrator makes it, with CREATE DATABASE",
	1118: "the database needs an innodb_page_size of 16 KiB or more",
	1153: packetRemedy,
	1206: "the server's administrator raises innodb_buffer_pool_size",
	1301: packetRemedy,
	1436: "the server's administrator raises thread_stack",
}

const packetRemedy = "the server's administrator raises max_allowed_packet to 16777216 bytes or more"

// classify says what an error of the driver means.
func classify(err error) sqlbackend.Class {
	if way, ok := errors.AsType[*connectError](err); ok {
		return way.class()
	}
	if answer, ok := errors.AsType[*mysql.MySQLError](err); ok {
		return classifyAnswer(answer)
	}
	switch {
	case errors.Is(err, mysql.ErrInvalidConn):
		return sqlbackend.Class{Kind: sdk.Unavailable, Msg: "the connection was lost"}
	case errors.Is(err, mysql.ErrPktTooLarge):
		return sqlbackend.Class{Kind: sdk.Internal, Msg: "a statement is larger than a packet of 1 MiB"}
	}
	return sqlbackend.Class{}
}

// classifyAnswer is for what the server said.
func classifyAnswer(e *mysql.MySQLError) sqlbackend.Class {
	class, known := classes[e.Number]
	if !known {
		class = sqlbackend.Class{Kind: sdk.Internal, ServerReplied: true}
	}
	class.Native, class.Msg = strconv.Itoa(int(e.Number)), e.Message
	if sentence, ok := plain[e.Number]; ok {
		class.Msg = sentence + ": " + class.Msg
	}
	if remedy, ok := remedies[e.Number]; ok {
		class.Msg += "; " + remedy
	}
	return class
}

// connectError is a connection that did not come about.
type connectError struct {
	place string // where it led
	err   error
}

func (e *connectError) Error() string { return e.place + ": " + e.err.Error() }
func (e *connectError) Unwrap() error { return e.err }

// class says what it means.
func (e *connectError) class() sqlbackend.Class {
	class := classify(e.err)
	switch {
	case class.Kind != 0:
	case errors.Is(e.err, mysql.ErrNoTLS):
		class = sqlbackend.Class{Kind: sdk.Unavailable, Permanent: true, Msg: "the server does not do TLS, and the URL asks for it"}
	case isLogin(e.err):
		class = sqlbackend.Class{Kind: sdk.Unauthenticated, Msg: e.err.Error()}
	default:
		class = sqlbackend.ClassifyNetError(e.err)
		if _, ok := errors.AsType[x509.UnknownAuthorityError](e.err); ok {
			class.Msg += "; ssl-ca names the certificate of its authority"
		}
	}
	class.Msg = e.place + ": " + class.Msg
	return class
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
