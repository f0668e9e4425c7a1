# Between evenly and ExUnit: a formatter that writes JUnit to the file that `EVENLY_JUNIT` names.
# `classname` is the test's module, `file` its file, relative to the project. What kept a module
# from being set up is an error of each of its tests.
defmodule Evenly.JUnit do
  use GenServer

  @impl true
  def init(_options), do: {:ok, []}

  @impl true
  def handle_cast({:test_finished, test}, cases), do: {:noreply, [element(test) | cases]}

  def handle_cast({:suite_finished, _times}, cases), do: finish(cases)
  def handle_cast({:suite_finished, _run, _load}, cases), do: finish(cases)
  def handle_cast(_event, cases), do: {:noreply, cases}

  defp finish([]) do
    # Files without a test.
    finish(for file <- System.argv(), File.regular?(file), do: testless(file))
  end

  defp finish(cases) do
    text = [
      ~s(<testsuites><testsuite name="exunit">\n),
      Enum.intersperse(Enum.reverse(cases), "\n"),
      "\n</testsuite></testsuites>\n"
    ]

    File.write!(System.fetch_env!("EVENLY_JUNIT"), text)
    {:noreply, cases}
  end

  defp testless(file) do
    name = escaped(Path.relative_to_cwd(file))

    ~s(<testcase classname="#{name}" name="[file]" time="0" file="#{name}">) <>
      ~s(<skipped message="no test"/></testcase>)
  end

  defp element(%ExUnit.Test{name: name, module: module, state: state, tags: tags} = test) do
    time = :erlang.float_to_binary(test.time / 1_000_000, decimals: 6)
    file = Path.relative_to_cwd(to_string(tags[:file]))

    [
      ~s(<testcase classname="#{escaped(inspect(module))}" name="#{escaped(name)}" time="#{time}"),
      ~s( file="#{escaped(file)}" line="#{tags[:line]}">),
      ending(state, test),
      "</testcase>"
    ]
  end

  defp ending(nil, _test), do: ""
  defp ending({:skipped, why}, _test), do: ~s(<skipped message="#{escaped(why)}"/>)
  defp ending({:excluded, why}, _test), do: ~s(<skipped message="#{escaped(why)}"/>)

  defp ending({:invalid, %{state: {:failed, failures}} = module}, _test) do
    text = ExUnit.Formatter.format_test_all_failure(module, failures, 1, 100, &plain/2)
    ~s(<error message="its module could not be set up" type="invalid">#{escaped(text)}</error>)
  end

  defp ending({:failed, failures}, test) do
    text = ExUnit.Formatter.format_test_failure(test, failures, 1, 100, &plain/2)
    {kind, reason, _stack} = hd(failures)
    failed? = kind == :error and is_struct(reason, ExUnit.AssertionError)
    tag = if failed?, do: "failure", else: "error"
    message = if failed?, do: reason.message, else: Exception.format_banner(kind, reason)
    message = message |> to_string() |> String.split("\n", trim: true) |> List.first()
    type = if is_exception(reason), do: inspect(reason.__struct__), else: inspect(kind)
    ~s(<#{tag} message="#{escaped(message)}" type="#{escaped(type)}">#{escaped(text)}</#{tag}>)
  end

  defp plain(_what, text), do: text

  defp escaped(text), do: text |> to_string() |> clean("")

  defp clean(<<c::utf8, rest::binary>>, out), do: clean(rest, out <> one(c))
  defp clean(<<_, rest::binary>>, out), do: clean(rest, out <> "\uFFFD")
  defp clean("", out), do: out

  defp one(c) when c in [?&, ?<, ?>, ?", ?\t, ?\n, ?\r], do: "&##{c};"
  defp one(c) when c < 0x20 or c in 0xFFFE..0xFFFF, do: "\uFFFD"
  defp one(c), do: <<c::utf8>>
end

# The files that `mix test` would run: `Evenly.Files.list()` with the arguments TO PATHS... writes
# them to TO, one a line.
defmodule Evenly.Files do
  def list do
    [to | paths] = System.argv()
    project = Mix.Project.config()
    pattern = project[:test_pattern] || "*_test.exs"

    for path <- paths(paths, project) do
      files = Mix.Utils.extract_files([path], pattern)
      files != [] || Mix.raise("no test file below #{path}")
      Enum.map(files, &[Path.relative_to_cwd(&1), ?\n])
    end
    |> then(&File.write!(to, &1))
  end

  defp paths([], project) do
    if Mix.Project.umbrella?() do
      Mix.raise("an umbrella: give each of its apps a suite with a `dir` of its own")
    end

    project[:test_paths] || ["test"]
  end

  defp paths(paths, _project), do: paths
end
