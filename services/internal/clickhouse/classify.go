package clickhouse

import (
	"context"
	"errors"
	"net"
	"net/http"
	"regexp"
	"strings"
)

// ClassOf returns the class of an error of an Inserter or of a connection of Open,
// and the empty string for nil. Without an answer it is ClassSlow when a time ran out
// and ClassAway otherwise, also when the caller has cancelled its context.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	a := answerOf(err)
	if !a.given {
		return unanswered(err)
	}
	// Values that clients have sent stand in quotes.
	message := quoted.ReplaceAllString(a.message, "''")
	if class, ok := spoken(message); ok {
		return class
	}
	class := classes[a.code]
	switch {
	case a.code == 0:
		return unnumbered(a.status)
	case class != "" && class != ClassRows && class != ClassSchema:
		return class
	case strings.Contains(message, "while pushing to view"):
		return ClassView
	case a.code == attemptToReadAfterEOF && strings.Contains(message, "while converting column"):
		return ClassRows
	case class == "":
		return ClassOther
	}
	return class
}

var quoted = regexp.MustCompile(`'(?:[^'\\]|\\.)*'`)

// attemptToReadAfterEOF is the error of a body that was cut short, and of a text that is
// too short for the type of its column.
const attemptToReadAfterEOF = 32

// spoken knows the troubles that come under many error numbers, or under one that
// means two things.
func spoken(message string) (Class, bool) {
	for _, s := range []struct {
		words string
		class Class
	}{
		{"No space left on device", ClassDisk},
		{"Disk quota exceeded", ClassDisk},
		{"Read-only file system", ClassReadOnly},
		// TOO_MANY_PARTS (252) is a server that cannot keep up with merges; this form
		// of it is a limit on the block, which does not pass.
		{"Too many partitions for single INSERT block", ClassOther},
	} {
		if strings.Contains(message, s.words) {
			return s.class, true
		}
	}
	return "", false
}

// unnumbered is for answers that do not come from ClickHouse, which numbers all its
// errors.
func unnumbered(status int) Class {
	switch {
	case status == http.StatusTooManyRequests:
		return ClassBusy
	case status == http.StatusRequestTimeout || status == http.StatusGatewayTimeout:
		return ClassSlow
	case status >= http.StatusInternalServerError:
		return ClassAway
	}
	return ClassStranger
}

// unanswered is for errors of the connection.
func unanswered(err error) Class {
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return ClassAway
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return ClassSlow
	}
	return ClassAway
}

// classes are the error numbers that an insert may meet. A number that stands for
// broken input of any kind, such as a body cut short on its way, is not among those
// of rows: leaving rows out would be no cure.
var classes = map[int]Class{
	6:   ClassRows, // CANNOT_PARSE_TEXT
	19:  ClassRows, // SIZE_OF_FIXED_STRING_DOESNT_MATCH
	25:  ClassRows, // CANNOT_PARSE_ESCAPE_SEQUENCE
	26:  ClassRows, // CANNOT_PARSE_QUOTED_STRING
	27:  ClassRows, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	38:  ClassRows, // CANNOT_PARSE_DATE
	41:  ClassRows, // CANNOT_PARSE_DATETIME
	69:  ClassRows, // ARGUMENT_OUT_OF_BOUND
	70:  ClassRows, // CANNOT_CONVERT_TYPE
	72:  ClassRows, // CANNOT_PARSE_NUMBER
	117: ClassRows, // INCORRECT_DATA
	128: ClassRows, // TOO_LARGE_ARRAY_SIZE
	131: ClassRows, // TOO_LARGE_STRING_SIZE
	153: ClassRows, // ILLEGAL_DIVISION
	190: ClassRows, // SIZES_OF_ARRAYS_DONT_MATCH
	321: ClassRows, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	349: ClassRows, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
	376: ClassRows, // CANNOT_PARSE_UUID
	395: ClassRows, // FUNCTION_THROW_IF_VALUE_IS_NON_ZERO
	407: ClassRows, // DECIMAL_OVERFLOW
	441: ClassRows, // CANNOT_PARSE_DOMAIN_VALUE_FROM_STRING
	467: ClassRows, // CANNOT_PARSE_BOOL
	469: ClassRows, // VIOLATED_CONSTRAINT
	632: ClassRows, // UNEXPECTED_DATA_AFTER_PARSED_VALUE
	675: ClassRows, // CANNOT_PARSE_IPV4
	676: ClassRows, // CANNOT_PARSE_IPV6
	691: ClassRows, // UNKNOWN_ELEMENT_OF_ENUM

	7:   ClassSchema, // INCORRECT_NUMBER_OF_COLUMNS
	8:   ClassSchema, // THERE_IS_NO_COLUMN
	10:  ClassSchema, // NOT_FOUND_COLUMN_IN_BLOCK
	15:  ClassSchema, // DUPLICATE_COLUMN
	16:  ClassSchema, // NO_SUCH_COLUMN_IN_TABLE
	20:  ClassSchema, // NUMBER_OF_COLUMNS_DOESNT_MATCH
	43:  ClassSchema, // ILLEGAL_TYPE_OF_ARGUMENT
	44:  ClassSchema, // ILLEGAL_COLUMN
	46:  ClassSchema, // UNKNOWN_FUNCTION
	47:  ClassSchema, // UNKNOWN_IDENTIFIER
	50:  ClassSchema, // UNKNOWN_TYPE
	53:  ClassSchema, // TYPE_MISMATCH
	60:  ClassSchema, // UNKNOWN_TABLE
	62:  ClassSchema, // SYNTAX_ERROR
	73:  ClassSchema, // UNKNOWN_FORMAT
	81:  ClassSchema, // UNKNOWN_DATABASE
	115: ClassSchema, // UNKNOWN_SETTING
	122: ClassSchema, // INCOMPATIBLE_COLUMNS
	218: ClassSchema, // TABLE_IS_DROPPED
	452: ClassSchema, // SETTING_CONSTRAINT_VIOLATION
	471: ClassSchema, // INVALID_SETTING_VALUE

	192: ClassAccess, // UNKNOWN_USER
	193: ClassAccess, // WRONG_PASSWORD
	194: ClassAccess, // REQUIRED_PASSWORD
	195: ClassAccess, // IP_ADDRESS_NOT_ALLOWED
	291: ClassAccess, // DATABASE_ACCESS_DENIED
	497: ClassAccess, // ACCESS_DENIED
	516: ClassAccess, // AUTHENTICATION_FAILED
	720: ClassAccess, // USER_EXPIRED

	173: ClassMemory, // CANNOT_ALLOCATE_MEMORY
	241: ClassMemory, // MEMORY_LIMIT_EXCEEDED
	777: ClassMemory, // MEMORY_RESERVATION_KILLED
	778: ClassMemory, // MEMORY_RESERVATION_FAILED

	243: ClassDisk, // NOT_ENOUGH_SPACE

	164: ClassReadOnly, // READONLY
	242: ClassReadOnly, // TABLE_IS_READ_ONLY
	774: ClassReadOnly, // TABLE_IS_PERMANENTLY_READ_ONLY

	201: ClassBusy, // QUOTA_EXCEEDED
	202: ClassBusy, // TOO_MANY_SIMULTANEOUS_QUERIES
	203: ClassBusy, // NO_FREE_CONNECTION
	252: ClassBusy, // TOO_MANY_PARTS
	439: ClassBusy, // CANNOT_SCHEDULE_TASK
	473: ClassBusy, // DEADLOCK_AVOIDED
	692: ClassBusy, // TOO_MANY_MUTATIONS
	733: ClassBusy, // TABLE_IS_BEING_RESTARTED
	745: ClassBusy, // SERVER_OVERLOADED
	749: ClassBusy, // TCP_CONNECTION_LIMIT_REACHED
	762: ClassBusy, // HTTP_CONNECTION_LIMIT_REACHED
	776: ClassBusy, // RESOURCE_LIMIT_EXCEEDED

	159: ClassSlow, // TIMEOUT_EXCEEDED
	160: ClassSlow, // TOO_SLOW
	209: ClassSlow, // SOCKET_TIMEOUT
	718: ClassSlow, // TOO_SLOW_PARSING

	236: ClassStopped, // ABORTED
	394: ClassStopped, // QUERY_WAS_CANCELLED
	677: ClassStopped, // THREAD_WAS_CANCELED
	735: ClassStopped, // QUERY_WAS_CANCELLED_BY_CLIENT

	225: ClassReplicas, // NO_ZOOKEEPER
	254: ClassReplicas, // NO_ACTIVE_REPLICAS
	285: ClassReplicas, // TOO_FEW_LIVE_REPLICAS
	286: ClassReplicas, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
	289: ClassReplicas, // REPLICA_IS_NOT_IN_QUORUM
	319: ClassReplicas, // UNKNOWN_STATUS_OF_INSERT
	999: ClassReplicas, // KEEPER_EXCEPTION
}
