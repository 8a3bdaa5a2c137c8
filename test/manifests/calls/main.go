// Command calls prints the IAM actions that the daemon needs at SQS, from the source:
// the SDK's methods that internal/queue calls, and the requests that it makes without
// them, if they are reachable from the exported functions that internal/app and
// internal/consumer name. A batch is the action without Batch.
//
//	calls ROOT
package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	actions, err := calls(os.Args[1])
	if err == nil {
		_, err = fmt.Fprintln(os.Stdout, strings.Join(actions, "\n"))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func calls(root string) ([]string, error) {
	queue, err := parse(filepath.Join(root, "internal/queue"))
	if err != nil {
		return nil, err
	}
	used := map[string]bool{}
	for _, room := range []string{"internal/app", "internal/consumer"} {
		files, err := parse(filepath.Join(root, room))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			ast.Inspect(file, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok {
					used[s.Sel.Name] = true
				}
				return true
			})
		}
	}

	bodies := map[string][]*ast.BlockStmt{} // methods of one name are taken together
	var reached []string
	for _, file := range queue {
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				bodies[f.Name.Name] = append(bodies[f.Name.Name], f.Body)
				if f.Name.IsExported() && used[f.Name.Name] {
					reached = append(reached, f.Name.Name)
				}
			}
		}
	}
	var actions []string
	for i := 0; i < len(reached); i++ {
		for _, body := range bodies[reached[i]] {
			ast.Inspect(body, func(n ast.Node) bool {
				if s, ok := n.(*ast.SelectorExpr); ok && isClient(s.X) && s.Sel.Name != "Options" {
					actions = append(actions, "sqs:"+strings.TrimSuffix(s.Sel.Name, "Batch"))
					return false
				}
				if action := wired(n); action != "" {
					actions = append(actions, "sqs:"+action)
				}
				if id, ok := n.(*ast.Ident); ok && bodies[id.Name] != nil && !slices.Contains(reached, id.Name) {
					reached = append(reached, id.Name)
				}
				return true
			})
		}
	}
	slices.Sort(actions)
	return slices.Compact(actions), nil
}

// isClient reports whether an expression is the SDK's client: a field called sqs.
func isClient(e ast.Expr) bool {
	s, ok := e.(*ast.SelectorExpr)
	return ok && s.Sel.Name == "sqs"
}

// wired returns the action of a request that is made without the SDK's methods, by a
// call of wire.do, or "".
func wired(n ast.Node) string {
	call, ok := n.(*ast.CallExpr)
	if !ok || len(call.Args) < 2 {
		return ""
	}
	do, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || do.Sel.Name != "do" {
		return ""
	}
	if of, ok := do.X.(*ast.SelectorExpr); !ok || of.Sel.Name != "wire" {
		return ""
	}
	action, ok := call.Args[1].(*ast.Ident)
	if !ok {
		return "unknown"
	}
	switch action.Name {
	case "receive":
		return "ReceiveMessage"
	case "deleteBatch":
		return "DeleteMessage"
	}
	return "unknown:" + action.Name
}

// parse reads the Go files of a folder, without those of tests.
func parse(folder string) ([]*ast.File, error) {
	names, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: %w", folder, fs.ErrNotExist)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, file)
	}
	return files, nil
}
