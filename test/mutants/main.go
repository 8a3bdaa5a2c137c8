// Command mutants switches off one rule of the gate, the engine, the pace or adapting at a time, and
// expects the tests to fail. The tree is not touched: the compiler is given another file
// instead of the one with the rule (go build -overlay).
//
//	go run ./test/mutants              # all of them
//	go run ./test/mutants -list
//	go run ./test/mutants -only 'wary' # those whose rule or file matches
//
// A rule whose mutant survives can be lost without anybody noticing: it needs a test, or it
// is not a rule.
package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A run that hangs is red after this.
const timeout = 3 * time.Minute

// room is the mutants of one package.
type room struct {
	dir     string   // where their files are, and the tests by default
	flags   []string // of the test binary
	mutants []mutant
}

// mutant is a rule and how to switch it off.
type mutant struct {
	rule     string
	file     string
	old, new string // old occurs once in the file
	// Others than all tests of the room: -run of its tests, or another package with flags.
	run   string
	tests []string
}

// run is one mutant on its way.
type run struct {
	room
	mutant
}

func (r run) path() string { return filepath.Join(r.dir, r.file) }

func main() {
	list := flag.Bool("list", false, "list the rules and run nothing")
	only := flag.String("only", "", "run those whose rule or file matches this regular expression")
	jobs := flag.Int("jobs", 1, "how many to run at the same time")
	verbose := flag.Bool("v", false, "print which tests were red, and how many mutants each has found")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := execute(ctx, *list, *only, max(*jobs, 1), *verbose); err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		stop()
		os.Exit(1)
	}
}

func execute(ctx context.Context, list bool, only string, jobs int, verbose bool) error {
	match, err := regexp.Compile(only)
	if err != nil {
		return fmt.Errorf("-only: %w", err)
	}
	var all []run
	for _, r := range rooms {
		for _, m := range r.mutants {
			if one := (run{r, m}); match.MatchString(m.rule) || match.MatchString(one.path()) {
				all = append(all, one)
			}
		}
	}
	if len(all) == 0 {
		return fmt.Errorf("no rule matches %q: see -list", only)
	}
	if err := stale(all); err != nil {
		return err
	}
	if list {
		for _, r := range all {
			fmt.Printf("%-28s %s\n", r.path(), r.rule)
		}
		return nil
	}
	if err := green(ctx, all); err != nil {
		return err
	}
	survivors, found, err := runAll(ctx, all, jobs, verbose)
	if err != nil {
		return err
	}
	if verbose {
		printFound(found)
	}
	fmt.Printf("%d rules, %d survivors\n", len(all), len(survivors))
	if len(survivors) > 0 {
		return fmt.Errorf("no test is red without these rules:\n  %s", strings.Join(survivors, "\n  "))
	}
	return nil
}

// stale reports the mutants whose text is not in its file exactly once.
func stale(all []run) error {
	var errs []error
	seen := make(map[string]bool)
	for _, r := range all {
		text, err := os.ReadFile(r.path())
		if err != nil {
			return fmt.Errorf("run it in the root of the repository: %w", err)
		}
		if n := strings.Count(string(text), r.old); n != 1 || r.old == r.new {
			errs = append(errs, fmt.Errorf("%s: %s: the text occurs %d times: %q", r.path(), r.rule, n, r.old))
		}
		if seen[r.path()+r.rule] {
			errs = append(errs, fmt.Errorf("%s: %s: listed twice", r.path(), r.rule))
		}
		seen[r.path()+r.rule] = true
	}
	if len(errs) > 0 {
		return fmt.Errorf("the list is stale, see test/mutants:\n%w", errors.Join(errs...))
	}
	return nil
}

// green reports an error unless the tests pass as the code stands.
func green(ctx context.Context, all []run) error {
	done := make(map[string]bool)
	for _, r := range all {
		r.run = "" // all that the package has, once
		args := r.command("")
		if key := strings.Join(args, " "); !done[key] {
			done[key] = true
			if out, err := test(ctx, args); err != nil {
				return fmt.Errorf("the tests are red without a mutant: go %s\n%s", key, out)
			}
		}
	}
	return nil
}

// command is go's arguments for the tests of a mutant.
func (r run) command(overlay string) []string {
	args := []string{"test", "-vet=off", "-failfast", "-timeout", timeout.String()}
	if overlay != "" {
		args = append(args, "-overlay", overlay)
	}
	if len(r.tests) > 0 {
		return append(args, r.tests...)
	}
	if r.run != "" {
		args = append(args, "-run", r.run)
	}
	return append(append(args, "./"+r.dir), r.flags...)
}

func test(ctx context.Context, args []string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout+time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput() //nolint:gosec // of the list
	return string(out), err
}

// runAll runs the mutants. It returns those that survive, and how many of the others each
// test has found.
func runAll(ctx context.Context, all []run, jobs int, verbose bool) (survivors []string, found map[string]int, err error) {
	var (
		mu   sync.Mutex // guards survivors, found, errs, done, and the lines
		errs []error
		done int
		wg   sync.WaitGroup
	)
	found = make(map[string]int)
	queue := make(chan run)
	for range jobs {
		wg.Go(func() {
			for r := range queue {
				begun := time.Now()
				killers, err := r.kill(ctx)
				mu.Lock()
				done++
				line := "red     "
				switch {
				case err != nil:
					line = "error   "
					errs = append(errs, err)
				case killers == "":
					line = "SURVIVES"
					survivors = append(survivors, r.path()+": "+r.rule)
				default:
					name, _, _ := strings.Cut(killers, "/")
					found[name]++
				}
				fmt.Printf("%3d/%d %s %4.0fs  %s: %s\n", done, len(all), line, time.Since(begun).Seconds(), r.path(), r.rule)
				if verbose && killers != "" {
					fmt.Printf("        %s\n", killers)
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range all {
		if ctx.Err() != nil {
			break
		}
		queue <- r
	}
	close(queue)
	wg.Wait()
	return survivors, found, errors.Join(append(errs, ctx.Err())...)
}

// printFound prints how many mutants each test has found, most first.
func printFound(found map[string]int) {
	names := slices.SortedFunc(maps.Keys(found), func(a, b string) int {
		return cmp.Or(found[b]-found[a], strings.Compare(a, b))
	})
	fmt.Println("found by:")
	for _, name := range names {
		fmt.Printf("%5d  %s\n", found[name], name)
	}
}

var failed = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// kill runs the tests without the rule, and says which were red; "": none.
func (r run) kill(ctx context.Context) (string, error) {
	dir, err := os.MkdirTemp("", "mutant")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // of the machine's temporary files
	overlay, err := r.overlay(dir)
	if err != nil {
		return "", err
	}
	out, err := test(ctx, r.command(overlay))
	switch {
	case ctx.Err() != nil:
		return "", ctx.Err()
	case err == nil:
		return "", nil
	case strings.Contains(out, "[build failed]") || strings.Contains(out, "[setup failed]"):
		return "", fmt.Errorf("%s: %s: the mutant does not compile:\n%s", r.path(), r.rule, out)
	}
	var names []string
	for _, match := range failed.FindAllStringSubmatch(out, -1) {
		names = append(names, match[1])
	}
	if len(names) == 0 {
		return "a hang or a panic", nil
	}
	return names[len(names)-1], nil // the innermost is printed last
}

// overlay writes the file without the rule, and has it replace the one with the rule.
func (r run) overlay(dir string) (string, error) {
	original, err := filepath.Abs(r.path())
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(original) //nolint:gosec // of the list
	if err != nil {
		return "", err
	}
	mutated, overlay := filepath.Join(dir, r.file), filepath.Join(dir, "overlay.json")
	replace, err := json.Marshal(map[string]map[string]string{"Replace": {original: mutated}})
	if err != nil {
		return "", err
	}
	text = bytes.Replace(text, []byte(r.old), []byte(r.new), 1)
	return overlay, errors.Join(
		os.WriteFile(mutated, text, 0o600), //nolint:gosec // of the list
		os.WriteFile(overlay, replace, 0o600),
	)
}
