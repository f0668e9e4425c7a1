"""evenly's side of a warm worker: the protocol of `docs/reference/shim-protocol.md`, in Python.

The standard library and the tested framework alone. A framework is a module `NAME_framework` with
a function `framework(options)`, whose result has these methods:

    version()                       the framework's name and version
    forks()                         whether the main process may import, list and then fork
    collect(wanted)                 a `results.Listing`: of everything where `wanted` is None, else
                                    at least of these tests, asked for before each run by a process
                                    that never listed
    begin(worker, env)              in a worker, after the variables are set
    prepare(alias, url, databases)  fills an empty database; `databases` come before it
    run(tests, databases, report)   runs tests, tells `report`, returns a `results.Finish`
    end()                           undoes what `begin` and `run` did

and may have `within(answer)`, which calls `answer()` once, from where the suite wants to be run,
and returns what it returned. Where it says that it `unwinds`, a worker comes back out of `answer`
when it has ended, so that what is around it ends as it does in a plain run; else the process ends
there and then.

Each may raise `channel.Refused`, which is a message to the user.
"""
