"""The tasks extension of MCP (io.modelcontextprotocol/tasks, SEP-2663), with a durable store.

A task is one call of a tool that may take long and may be repeated: the client is given an id and
polls, the server runs the tool and keeps its result. Tasks are kept in the store's folder, so that
every server process on the store sees them, and one that starts later goes on with those whose
process ended: it runs the tool again.

record     a task as it is kept, and as the protocol shows it
store      the SQLite file
owners     which process runs a task, and whether it still lives
shared     both, as one process uses them
outcomes   what is kept of a call and of its result
context    whose a task is, and the context in which its tool runs
runner     runs, cancels and adopts tasks
extension  the protocol: tools/call, tasks/get, tasks/update, tasks/cancel
listening  notifications/tasks on subscriptions/listen
"""
