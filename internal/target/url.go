package target

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
)

// ValidateURL returns an error if a target's URL is invalid. The error shows no part of the
// URL, which may contain a password.
func ValidateURL(raw string) error {
	if raw == "" {
		return errors.New("no URL given: use http://host/path or https://host/path")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return errors.New("not a valid URL: use http://host/path or https://host/path")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return errors.New("the URL does not begin with http:// or https://")
	case u.Opaque != "" || u.Hostname() == "":
		return errors.New("the URL has no host: use http://host/path or https://host/path")
	case strings.Contains(raw, "#"):
		return errors.New("the URL has a fragment (#…), which is never sent: remove it, or use %23")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("the URL's port is not between 1 and 65535")
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return errors.New("the URL has a colon but no port after its host")
	}
	return nil
}
