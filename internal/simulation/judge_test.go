package simulation

func judge(w *world) []string { return w.faults }
