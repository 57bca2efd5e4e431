"""The processes that torchrun or accelerate launch started share one evaluation.

    process 0   hre.evaluate: tokens, order of work, store | deals passes to all, itself included | collects their values
    the others                                               compute their passes, until process 0 sends the run

A pass is the questions that go through the model together. Passes are made without regard to the number of processes, so
that on equal devices the values have the same bits whatever that number is.
"""

import datetime

import torch.distributed as dist

import hre

from . import _core


class Processes:
    """The processes of a torch.distributed job, which share the questions of evaluations.

    Every process makes one, after torch.distributed.init_process_group() (accelerate and Trainer call it themselves), gives it
    to its hre.transformers.Model, and calls hre.evaluate alike. Process 0 reads the data, makes the tokens and keeps the
    store; its arguments are those that count. Every process gets the run.

    timeout: seconds of silence after which a process is considered dead. One that ends is noticed at once.

    >>> import hre.transformers, tempfile, torch.distributed
    >>> meeting = f"file://{tempfile.mkdtemp()}/meeting"  # torchrun tells all this: then init_process_group() suffices
    >>> torch.distributed.init_process_group("gloo", init_method=meeting, rank=0, world_size=1)
    >>> processes = hre.transformers.Processes(timeout=60)
    >>> processes.rank, processes.size
    (0, 1)
    >>> torch.distributed.destroy_process_group()
    """

    def __init__(self, timeout: float = 600):
        if not dist.is_available() or not dist.is_initialized():
            raise ValueError(
                "torch.distributed is not initialised: call init_process_group() in a program that torchrun or accelerate launch starts"
            )
        self._timeout, self._leads = timeout, False
        # Tokens and values travel on the CPU, whatever the devices use among themselves.
        self._group = dist.new_group(backend="gloo", timeout=datetime.timedelta(seconds=timeout))
        self.rank, self.size = dist.get_rank(), dist.get_world_size()

    def evaluate(self, work, compute):
        """Process 0 calls work(), which gives a Run; meanwhile the others compute() the passes that they are sent."""
        if self._group is None:
            raise hre.Error("a process of this evaluation was lost earlier: start the program again")
        if self.rank > 0:
            return self._help(compute)
        self._leads, end = True, ("error", hre.Interrupted("process 0 was interrupted"))
        try:
            run = work()
            end = ("run", run.json())
            return run
        except Exception as problem:
            end = ("error", problem if isinstance(problem, hre.Error) else hre.Error(f"process 0: {type(problem).__name__}: {problem}"))
            raise
        finally:
            self._leads = False
            for rank in range(1, self.size if self._group else 0):
                self._send(end, rank)

    def score(self, passes, costs, compute):
        """The values of each pass. Costly passes are dealt first, each to the process that has least."""
        if not self._leads:
            raise hre.InputError("give hre.evaluate the hre.transformers.Model itself: all processes work on it")
        shares, loads = [[] for _ in range(self.size)], [0] * self.size
        for i in sorted(range(len(passes)), key=lambda i: -costs[i]):
            rank = loads.index(min(loads))
            shares[rank].append(i)
            loads[rank] += costs[i]
        for rank in range(1, self.size):
            self._send(("passes", [passes[i] for i in shares[rank]]), rank)
        replies = [_attempt(compute, [passes[i] for i in shares[0]])]
        replies += [self._receive(rank) for rank in range(1, self.size)]
        values = [None] * len(passes)
        for rank, (share, (computed, problem)) in enumerate(zip(shares, replies)):
            if problem is not None:
                raise problem if rank == 0 else hre.Error(f"process {rank}: {problem}")
            for i, value in zip(share, computed):
                values[i] = value
        return values

    def _help(self, compute):
        while True:
            kind, content = self._receive(0)
            if kind == "run":
                return hre.Run(_core.read_runs(content, "process 0")[0])
            if kind == "error":
                raise content
            computed, problem = _attempt(compute, content)
            self._send((computed, None if problem is None else f"{type(problem).__name__}: {problem}"), 0)

    def _send(self, content, rank):
        self._exchange(lambda: dist.send_object_list([content], dst=rank, group=self._group), rank)

    def _receive(self, rank):
        content = [None]
        self._exchange(lambda: dist.recv_object_list(content, src=rank, group=self._group), rank)
        return content[0]

    def _exchange(self, call, rank):
        try:
            call()
        except RuntimeError as problem:  # what torch raises for a lost connection and for silence
            group, self._group = self._group, None
            dist.destroy_process_group(group)  # which tells the others
            raise hre.Error(
                f"process {rank} of {self.size} ended, or was silent for {self._timeout:g} seconds; what was scored before is in "
                f"the store, if there is one, and the same program resumes from there (torch.distributed: {problem})"
            ) from None


def _attempt(compute, passes):
    """(values, None), or (None, why there are none)."""
    try:
        return compute(passes), None
    except Exception as problem:
        return None, problem
