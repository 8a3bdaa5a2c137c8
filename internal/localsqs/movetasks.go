package localsqs

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"time"
)

// taskHandle is what a task's handle says, in base64.
type taskHandle struct {
	TaskID    string `json:"taskId"`
	SourceARN string `json:"sourceArn"`
}

func (t *moveTask) handle() string {
	text, _ := json.Marshal(taskHandle{t.id.String(), t.source.arn()})
	return base64.StdEncoding.EncodeToString(text)
}

// queueOfARN finds the queue of an ARN that came as that parameter.
func (s *Server) queueOfARN(parameter, arn string) (*queue, error) {
	name, ok := nameInARN(arn)
	if !ok {
		return nil, invalidParameterValue.because("You must use this format to specify the %s: "+
			"arn:<partition>:<service>:<region>:<account-id>:<resource-id>", parameter)
	}
	q, ok := s.queues[name]
	if !ok {
		return nil, resourceNotFound.because("The resource that you specified for the %s parameter doesn't exist.", parameter)
	}
	return q, nil
}

// startMessageMoveTask is the action StartMessageMoveTask.
func startMessageMoveTask(c *call) error {
	var r struct {
		SourceARN      string `json:"SourceArn"`
		DestinationARN string `json:"DestinationArn"`
		Rate           *int   `json:"MaxNumberOfMessagesPerSecond"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if r.SourceARN == "" {
		return missing("SourceArn")
	}
	s := c.s
	now := s.lock()
	defer s.unlock(now)
	source, err := s.queueOfARN("SourceArn", r.SourceARN)
	if err != nil {
		return err
	}
	t := &moveTask{s: s, source: source, started: time.Now(), status: taskRunning}
	if len(source.sources()) == 0 {
		return invalidParameterValue.because("Source queue must be configured as a Dead Letter Queue.")
	}
	if r.DestinationARN != "" {
		to, err := s.queueOfARN("DestinationArn", r.DestinationARN)
		switch {
		case err != nil:
			return err
		case to == source:
			return invalidParameterValue.because("Source queue arn and destination queue arn must not be the same.")
		case (to.fifo != nil) != (source.fifo != nil):
			return unsupportedOperation.because("The destination queue must be of the same type as the source queue.")
		}
		t.destination = to.name
	}
	if r.Rate != nil {
		if t.rate = *r.Rate; t.rate < 1 || t.rate > 500 {
			return outOfRange(t.rate, "MaxNumberOfMessagesPerSecond", "Must be between 1 and 500, if provided.")
		}
	}
	if slices.ContainsFunc(s.tasks[source.name], func(other *moveTask) bool { return other.source == source && other.active() }) {
		return invalidParameterValue.because("There is already a task running. " +
			"Only one active task is allowed for a source queue arn at a given time.")
	}
	source.advance(now)
	s.moves++
	t.id = s.ids.uuid(idOfTask, s.moves)
	t.toMove = source.visible.n
	s.keepTask(t)
	t.start()
	return c.reply(map[string]string{"TaskHandle": t.handle()})
}

// cancelMessageMoveTask is the action CancelMessageMoveTask. What is moved stays
// moved.
func cancelMessageMoveTask(c *call) error {
	var r struct {
		TaskHandle string `json:"TaskHandle"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if r.TaskHandle == "" {
		return missing("TaskHandle")
	}
	var h taskHandle
	text, err := base64.StdEncoding.DecodeString(r.TaskHandle)
	if err != nil || json.Unmarshal(text, &h) != nil || h.TaskID == "" || h.SourceARN == "" {
		return invalidParameterValue.because("Value for parameter TaskHandle is invalid.")
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	source, err := c.s.queueOfARN("SourceArn", h.SourceARN)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(c.s.tasks[source.name], func(t *moveTask) bool { return t.id.String() == h.TaskID })
	if i < 0 {
		return resourceNotFound.because("Task does not exist.")
	}
	t := c.s.tasks[source.name][i]
	if t.status != taskRunning {
		return unsupportedOperation.because("Only a task that is running can be cancelled: this one is %s.", t.status)
	}
	t.status = taskCancelling
	t.timer.Reset(moveInterval)
	return c.reply(map[string]int{"ApproximateNumberOfMessagesMoved": t.moved})
}

// listMessageMoveTasks is the action ListMessageMoveTasks: the latest first.
func listMessageMoveTasks(c *call) error {
	var r struct {
		SourceARN  string `json:"SourceArn"`
		MaxResults *int   `json:"MaxResults"`
	}
	if err := c.read(&r); err != nil {
		return err
	}
	if r.SourceARN == "" {
		return missing("SourceArn")
	}
	limit := 1
	if r.MaxResults != nil {
		if limit = *r.MaxResults; limit < 1 || limit > 10 {
			return outOfRange(limit, "MaxResults", "Must be between 1 and 10, if provided.")
		}
	}
	type result struct {
		TaskHandle     string `json:"TaskHandle,omitempty"`
		Status         string
		SourceArn      string
		DestinationArn string `json:"DestinationArn,omitempty"`
		Rate           int    `json:"MaxNumberOfMessagesPerSecond,omitempty"`
		Moved          int    `json:"ApproximateNumberOfMessagesMoved"`
		ToMove         int    `json:"ApproximateNumberOfMessagesToMove"`
		FailureReason  string `json:"FailureReason,omitempty"`
		Started        int64  `json:"StartedTimestamp"`
	}
	now := c.s.lock()
	defer c.s.unlock(now)
	source, err := c.s.queueOfARN("SourceArn", r.SourceARN)
	if err != nil {
		return err
	}
	results := []result{}
	for _, t := range slices.Backward(c.s.tasks[source.name]) {
		if len(results) == limit {
			break
		}
		one := result{
			Status: string(t.status), SourceArn: source.arn(), Rate: t.rate, Moved: t.moved, ToMove: t.toMove,
			FailureReason: t.reason, Started: t.started.UnixMilli(),
		}
		if t.destination != "" {
			one.DestinationArn = arnOf(t.destination)
		}
		if t.status == taskRunning {
			one.TaskHandle = t.handle()
		}
		results = append(results, one)
	}
	return c.reply(map[string]any{"Results": results})
}
