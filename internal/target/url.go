package target

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// ValidateURL says in one sentence what is wrong with a target's URL; nil if
// nothing is. The sentence repeats nothing of the URL, which may carry a password.
func ValidateURL(raw string) error {
	if raw == "" {
		return errors.New("no URL is given: write http://host/path or https://host/path")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("it is no URL: write http://host/path or https://host/path")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("the URL does not begin with http:// or https://")
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New("the URL has no host: write http://host/path or https://host/path")
	case strings.Contains(raw, "#"):
		return errors.New("the URL has a fragment (#…), which is never sent: leave it out, or write %23")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("the URL's port is not between 1 and 65535")
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return errors.New("the URL has a colon without a port after its host")
	}
	return nil
}
