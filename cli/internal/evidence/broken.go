package evidence

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// inWords is an error of a decoder of JSON, without the words of Go's own.
func inWords(err error) error {
	var syntax *json.SyntaxError
	var token *jsontext.SyntacticError
	var value *json.UnmarshalTypeError
	var moment *time.ParseError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON at byte %d", syntax.Offset)
	case errors.As(err, &token):
		return fmt.Errorf("it is no JSON behind byte %d", token.ByteOffset)
	case errors.As(err, &value) && value.Field != "":
		return fmt.Errorf("its %s cannot be a JSON %s", value.Field, value.Value)
	case errors.As(err, &value):
		return fmt.Errorf("a JSON %s is no record", value.Value)
	case errors.As(err, &moment):
		return fmt.Errorf("%q is no time", moment.Value)
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return errors.New("its JSON ends in the middle")
	}
	return err
}
