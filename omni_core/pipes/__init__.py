"""What passes between a process and its child (`worker`, `worker_child`).

    frames       a length and that many bytes, on two pipes: calls one way, answers the other
    calls        a call, with its arrays beside the pickle
    answers      what an answer is, checked against the type that belongs there
    memory       sealed memory, in which the pixels and samples of a decoder's answer lie once
    descriptors  the socket by which a process is given such memory
    child        one child as its parent sees it
    died         how a child ended

Pixels do not pass through the process in the middle: a decoder writes them into sealed memory, the
server gets a descriptor of it and passes that on to the model worker, which maps it. Where a
system has no sealed memory (`memory.available`), they travel in the pipes.
"""
