package config

import (
	"errors"
	"fmt"

	"github.com/goccy/go-yaml/ast"
)

// maxAlias bounds how many aliases may stand for one another.
const maxAlias = 16

// entry is one line of a map.
type entry struct {
	key            string
	keyNode, value ast.Node
}

// resolve is the node that anchors, aliases and tags stand around.
func (r *yamlReader) resolve(node ast.Node) ast.Node {
	for range maxAlias {
		switch n := node.(type) {
		case *ast.AnchorNode:
			node = n.Value
		case *ast.AliasNode:
			node = r.anchors[n.Value.GetToken().Value]
		case *ast.TagNode:
			node = n.Value
		default:
			return node
		}
	}
	return nil
}

// mapping lists a map's entries, with those that '<<' merges into it. A map that
// is left empty has none.
func (r *yamlReader) mapping(node ast.Node, path string) ([]entry, error) {
	return r.merged(node, path, maxAlias)
}

func (r *yamlReader) merged(node ast.Node, path string, depth int) ([]entry, error) {
	resolved := r.resolve(node)
	if resolved != nil && resolved.Type() == ast.NullType {
		return nil, nil
	}
	m, ok := resolved.(ast.MapNode)
	if !ok || depth == 0 {
		if path == "" {
			return nil, fmt.Errorf("%s at line %d: not a map: use 'name: value' lines", r.file, line(node))
		}
		return nil, r.problem(path, node, "not a map: use 'name: value' lines under it")
	}
	var own, merged []entry
	has := make(map[string]bool)
	for i := m.MapRange(); i.Next(); {
		if _, isMerge := i.Key().(*ast.MergeKeyNode); isMerge {
			more, err := r.merged(i.Value(), path, depth-1)
			if err != nil {
				return nil, err
			}
			merged = append(merged, more...)
			continue
		}
		e := entry{key: i.Key().GetToken().Value, keyNode: i.Key(), value: i.Value()}
		has[e.key] = true
		own = append(own, e)
	}
	for _, e := range merged {
		if !has[e.key] {
			own = append(own, e)
		}
	}
	return own, nil
}

// text is what a single value says.
func (r *yamlReader) text(node ast.Node) (string, error) {
	switch n := r.resolve(node).(type) {
	case *ast.StringNode:
		return n.Value, nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return n.GetToken().Value, nil
	case *ast.NullNode:
		return "", errors.New("no value: set one, or remove the key")
	default:
		return "", errors.New("a list or a map where a single value belongs")
	}
}

// at is a setting's name with its place.
func (r *yamlReader) at(path string, node ast.Node) string {
	return fmt.Sprintf("%s at line %d of %s", path, line(node), r.file)
}

func (r *yamlReader) problem(path string, node ast.Node, format string, args ...any) error {
	return fmt.Errorf("%s: %w", r.at(path, node), fmt.Errorf(format, args...))
}

func line(node ast.Node) int {
	if node == nil || node.GetToken() == nil {
		return 1
	}
	return node.GetToken().Position.Line
}
