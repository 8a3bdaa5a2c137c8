package config

// Sources are where settings come from.
type Sources struct {
	// Flags are the command line's, and Given the names of those that stood on it,
	// without dashes.
	Flags Flags
	Given []string
	// Environ is os.Environ's list.
	Environ []string
	Checks  Checks
}
