package config

import "strings"

// placeOfFlag is where the setting is whose flag an unknown key names, with '_' or '-': seen
// from the map at path, of the part that n belongs to. It is "" if the key names no flag, or
// one that has no place in the file.
func placeOfFlag(key, path string, n names) string {
	flag := strings.ReplaceAll(key, "_", "-")
	for _, s := range Settings() {
		if s.Flag != flag || s.YAML == "" {
			continue
		}
		place := s.YAML
		switch {
		case path == "" && s.scope == ofTarget && s.key == "url":
			return urlKey
		case path == "":
			return s.key
		case s.scope == n.scope:
			place = join(n.path, s.key)
		}
		if within, ok := strings.CutPrefix(place, path+"."); ok {
			return within
		}
		if s.scope == ofDaemon {
			place += " at the top level"
		}
		return place
	}
	return ""
}
