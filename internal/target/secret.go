package target

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"
)

// maxSecret bounds a secret in a file.
const maxSecret = 8 << 10

// A secret is the value of a setting, or what is in the file that the setting names as
// @file. The file is read again when it changes.
type secret struct {
	valid  func(string) error
	logger *slog.Logger

	mu     sync.Mutex // guards what follows
	value  string
	file   watched
	looked time.Time
}

// newSecret reads a setting. Neither its errors nor those of valid contain the value.
func newSecret(setting string, valid func(string) error, logger *slog.Logger) (*secret, error) {
	s := &secret{valid: valid, logger: logger, value: setting, looked: time.Now()}
	if path, isFile := strings.CutPrefix(setting, "@"); isFile {
		s.file.path = path
		return s, s.read()
	}
	return s, valid(setting)
}

// current returns the value, and looks at the file at most once a second. If it cannot be
// used, its last value is kept, and one warning is logged until it can.
func (s *secret) current(ctx context.Context) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.file.path == "" || now.Sub(s.looked) < lookAgain {
		return s.value
	}
	if s.looked = now; !s.file.changed() {
		return s.value
	}
	err := s.read()
	switch {
	case err == nil:
		s.logger.InfoContext(ctx, "secret file reloaded", slog.String("file", s.file.path))
	case !s.file.failed:
		s.logger.WarnContext(ctx, "cannot use secret file: keeping its last value", slog.String("file", s.file.path), slog.Any("error", err))
	}
	s.file.failed = err != nil
	return s.value
}

// read reads the file. After an error the value is unchanged.
func (s *secret) read() error {
	file, err := os.Open(s.file.path) // the path is the operator's own setting
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(file, maxSecret))
	if err != nil {
		return err
	}
	value := strings.TrimSpace(strings.TrimPrefix(string(text), byteOrderMark))
	if err := s.valid(value); err != nil {
		return fmt.Errorf("%w (in the file %s)", err, s.file.path)
	}
	s.value, s.file.seen = value, info
	return nil
}

// notEmpty is the rule for a client secret.
func notEmpty(value string) error {
	if value == "" {
		return errors.New("the secret is empty")
	}
	return nil
}
