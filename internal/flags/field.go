package flags

import "reflect"

// addFields makes flags of a struct's fields.
func (s *Set) addFields(of reflect.Value, prefix, group string) {
	for field, v := range of.Fields() {
		within := field.Tag.Get("group")
		if within == "" {
			within = group
		}
		if _, isStruct := field.Tag.Lookup("embed"); isStruct {
			s.addFields(v, prefix+field.Tag.Get("prefix"), within)
		} else if name := field.Tag.Get("name"); name != "" {
			s.add(prefix+name, within, field.Tag, v)
		} else if name := field.Tag.Get("arg"); name != "" {
			s.arguments = v.Addr().Interface().(*[]string)
			s.argument = Argument{Name: name, Help: field.Tag.Get("help")}
		}
	}
}

func (s *Set) add(name, group string, tag reflect.StructTag, field reflect.Value) {
	v := newValue(field)
	_, required := tag.Lookup("required")
	f := Flag{
		Name: name, Short: tag.Get("short"), Placeholder: tag.Get("placeholder"), Group: group,
		Default: tag.Get("default"), Help: tag.Get("help"),
		Required: required, Repeatable: v.isList, Tag: tag,
	}
	if f.Default != "" {
		if err := v.Set(f.Default); err != nil {
			panic("flags: the default of --" + name + ": " + err.Error()) // a tag is wrong: every test sees it
		}
	}
	known := s.parser.VarPF(v, name, f.Short, f.Help)
	if v.isBool() {
		known.NoOptDefVal = "true"
	}
	s.flags = append(s.flags, f)
}
