package fleet

import (
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// store is a Redis of our own: it runs the real script, in virtual time, with what the
// script needs of Redis and no more. That the script runs on real servers is shown by
// TestTheScriptOnMiniredis and test/fleet. If it has a twin, that answers, too, or alone.
type store struct {
	twin   *twin
	alone  bool // the script does not run
	hashes map[string]map[string]string
	run    string // its run_id
	noInfo bool   // INFO is refused
	step   time.Duration
	calls  int
	now    time.Duration // true time, of the call that is being made
	state  *lua.LState
}

// epoch is where the servers' clocks begin.
const epoch = 1_700_000_000 * time.Second

var compiled, rewriter = compile(source), compile(overrideSource)

func compile(source string) *lua.FunctionProto {
	chunk, err := parse.Parse(strings.NewReader(source), "script")
	if err != nil {
		panic(err)
	}
	proto, err := lua.Compile(chunk, "script")
	if err != nil {
		panic(err)
	}
	return proto
}

func newStore() *store {
	s := &store{hashes: make(map[string]map[string]string), run: "r1", state: lua.NewState()}
	table := s.state.NewTable()
	s.state.SetField(table, "call", s.state.NewFunction(s.redis))
	s.state.SetField(table, "pcall", s.state.NewFunction(s.redis))
	s.state.SetGlobal("redis", table)
	return s
}

// lose is a server that forgets all but what an operator has set.
func (s *store) lose() {
	key := overrideKeys("test")[0]
	kept := memory{hashes: map[string]map[string]string{key: s.hashes[key]}, twin: newTwin()}
	kept.twin.version, kept.twin.override = s.twin.version, s.twin.override
	s.restore(kept)
}

// rewind has the memory be an older one, of which a number of calls were heard.
func (s *store) rewind(calls int) {
	s.hashes[keysOf("test")[0]]["seq"] = strconv.Itoa(calls)
	if s.twin != nil {
		s.twin.state.seq = float64(calls)
	}
}

// newTwinStore returns one with a twin that answers alone, or beside the script.
func newTwinStore(beside bool) *store {
	s := newStore()
	if !*script {
		s.twin, s.alone = newTwin(), !beside
	}
	return s
}

func (s *store) server() time.Duration { return epoch + s.now + s.step }

// redis is redis.call and redis.pcall.
func (s *store) redis(l *lua.LState) int {
	args := make([]string, l.GetTop())
	for i := range args {
		if n, ok := l.Get(i + 1).(lua.LNumber); ok {
			args[i] = fmt.Sprintf("%.0f", float64(n))
			continue
		}
		args[i] = l.Get(i + 1).String()
	}
	push := func(v lua.LValue) int { l.Push(v); return 1 }
	text := func(key, field string) lua.LValue {
		if v, ok := s.hashes[key][field]; ok {
			return lua.LString(v)
		}
		return lua.LFalse
	}
	list := func(values ...lua.LValue) int {
		t := l.NewTable()
		for _, v := range values {
			t.Append(v)
		}
		return push(t)
	}
	switch args[0] {
	case "TIME":
		micros := s.server().Microseconds()
		return list(lua.LString(strconv.FormatInt(micros/1e6, 10)), lua.LString(strconv.FormatInt(micros%1e6, 10)))
	case "INFO":
		if s.noInfo {
			t := l.NewTable()
			t.RawSetString("err", lua.LString("NOPERM"))
			return push(t)
		}
		return push(lua.LString("# Server\r\nredis_version:7.0.15\r\nrun_id:" + s.run + "\r\n"))
	case "HMGET":
		var values []lua.LValue
		for _, field := range args[2:] {
			values = append(values, text(args[1], field))
		}
		return list(values...)
	case "HGET":
		return push(text(args[1], args[2]))
	case "HSET":
		if s.hashes[args[1]] == nil {
			s.hashes[args[1]] = make(map[string]string)
		}
		for i := 2; i < len(args); i += 2 {
			s.hashes[args[1]][args[i]] = args[i+1]
		}
		return push(lua.LNumber(0))
	case "HGETALL":
		var values []lua.LValue
		for _, field := range slices.Sorted(maps.Keys(s.hashes[args[1]])) {
			values = append(values, lua.LString(field), text(args[1], field))
		}
		return list(values...)
	case "HDEL":
		delete(s.hashes[args[1]], args[2])
		return push(lua.LNumber(0))
	case "DEL":
		for _, key := range args[1:] {
			delete(s.hashes, key)
		}
		return push(lua.LNumber(0))
	case "PEXPIRE":
		return push(lua.LNumber(1))
	}
	panic("the script calls " + args[0])
}

// eval runs the script with a request's arguments.
func (s *store) eval(r *request) (reply, error) {
	s.calls++
	if s.alone {
		return s.twin.call(r, s.runID(), s.server()), nil
	}
	answer, err := s.runScript(compiled, keysOf("test"), r.arguments())
	if err != nil {
		return reply{}, err
	}
	a, err := parseReply(answer)
	if err != nil || s.twin == nil {
		return a, err
	}
	if other := s.twin.call(r, s.runID(), s.server()); other != a {
		return a, fmt.Errorf("call %d: the script answers\n%+v\nand its twin\n%+v", s.calls, a, other)
	}
	kept := s.twin.hashes()
	for _, key := range keysOf("test") {
		if !maps.Equal(kept[key], s.hashes[key]) {
			return a, fmt.Errorf("call %d: in %s the script keeps\n%v\nand its twin\n%v", s.calls, key, s.hashes[key], kept[key])
		}
	}
	return a, nil
}

// runID is what the server tells of its name.
func (s *store) runID() string {
	if s.noInfo {
		return ""
	}
	return s.run
}

// runScript runs a script in virtual time.
func (s *store) runScript(script *lua.FunctionProto, names []string, arguments []any) ([]any, error) {
	l := s.state
	keys, argv := l.NewTable(), l.NewTable()
	for _, key := range names {
		keys.Append(lua.LString(key))
	}
	for _, a := range arguments {
		argv.Append(lua.LString(fmt.Sprint(a)))
	}
	l.SetGlobal("KEYS", keys)
	l.SetGlobal("ARGV", argv)
	l.Push(l.NewFunctionFromProto(script))
	if err := l.PCall(0, 1, nil); err != nil {
		return nil, err
	}
	defer l.SetTop(0)
	table, ok := l.Get(-1).(*lua.LTable)
	if !ok {
		return nil, errors.New("no table")
	}
	var answer []any
	for i := 1; i <= table.Len(); i++ {
		switch v := table.RawGetInt(i).(type) {
		case lua.LNumber:
			answer = append(answer, int64(v))
		case lua.LString:
			answer = append(answer, string(v))
		}
	}
	return answer, nil
}

// rewrite runs the script that an operator's change makes.
func (s *store) rewrite(change rewriting) (rewritten, error) {
	answer, err := s.runScript(rewriter, overrideKeys("test"), change.arguments())
	if err != nil {
		return rewritten{}, err
	}
	w, err := parseRewritten(answer)
	if s.twin != nil && w.wrote {
		s.twin.version, s.twin.override = float64(w.kept.version), w.kept.text
	}
	return w, err
}

// kept is all that it remembers, as the script has it.
func (s *store) kept() map[string]map[string]string {
	if s.alone {
		return s.twin.hashes()
	}
	return s.hashes
}

// memory is all that a store remembers.
type memory struct {
	hashes map[string]map[string]string
	twin   *twin
}

// copied is the memory, to be restored later.
func (s *store) copied() memory {
	c := memory{hashes: make(map[string]map[string]string)}
	for key, hash := range s.hashes {
		c.hashes[key] = maps.Clone(hash)
	}
	if s.twin != nil {
		c.twin = s.twin.copied()
	}
	return c
}

// restore is a server that comes back with another memory.
func (s *store) restore(m memory) {
	s.hashes = m.hashes
	if s.hashes == nil {
		s.hashes = make(map[string]map[string]string)
	}
	if s.twin != nil {
		s.twin = m.twin
	}
}

// forget is FLUSHALL.
func (s *store) forget() {
	s.restore(memory{twin: newTwin()})
}

// members returns the records, by id.
func (s *store) members() map[string][]int64 {
	all := make(map[string][]int64)
	for id, text := range s.kept()[keysOf("test")[1]] {
		text, _, _ = strings.Cut(text, ";")
		for field := range strings.FieldsSeq(text) {
			n, _ := strconv.ParseInt(field, 10, 64)
			all[id] = append(all[id], n)
		}
	}
	return all
}

// sum is a number of the state.
func (s *store) sum(name string) int64 {
	n, _ := strconv.ParseInt(s.kept()[keysOf("test")[0]][name], 10, 64)
	return n
}
