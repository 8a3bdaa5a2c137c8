package config

import (
	"errors"
	"strings"
)

// controlToken is the setting's flag.
const controlToken = "control-token"

// minControlToken is the shortest token: nobody guesses one that was made at random.
const minControlToken = 16

// ValidateControlToken says what is wrong with a control token, or with the name of the
// file that it is in, and never repeats it. None at all is right.
func ValidateControlToken(text string) error {
	if file, isFile := strings.CutPrefix(text, "@"); isFile {
		if file == "" {
			return errors.New("no file name after the @: use @FILE")
		}
		return nil
	}
	return checkControlToken(text)
}

func checkControlToken(token string) error {
	switch {
	case token == "":
		return nil
	case len(token) < minControlToken:
		return errors.New("the token is shorter than 16 characters: make one, for example with openssl rand -hex 32")
	case strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("the token has spaces or characters that an HTTP header cannot carry: make one, for example with openssl rand -hex 32")
	}
	return nil
}
