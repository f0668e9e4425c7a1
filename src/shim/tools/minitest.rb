# frozen_string_literal: true

# Between evenly and Minitest: `ruby minitest.rb JUNIT FILES... -- OPTIONS...`.
#
# Runs these files in one process, as `ruby -I test FILE` runs one, and writes JUnit to JUNIT:
# `classname` is the test's class, `name` its method, `file` the file that it came with.

require "minitest"

# Remembers what became of each test and writes it at the end.
class EvenlyJunit < Minitest::AbstractReporter
  def initialize(to, files)
    super()
    @to = to
    @files = files
    @results = []
  end

  def record(result)
    @results << result
  end

  def passed?
    true
  end

  def report
    cases = @results.map { |result| element(result) }
    cases = @files.names.map { |file| testless(file) } if cases.empty?
    text = "<testsuites><testsuite name=\"minitest\">\n#{cases.join("\n")}\n</testsuite></testsuites>\n"
    File.write(@to, text)
  end

  private

  def element(result)
    open = "<testcase classname=\"#{escaped(class_of(result))}\" name=\"#{escaped(result.name)}\" " \
           "time=\"#{format('%.6f', result.time || 0)}\"#{place(result)}"
    failure = result.failure
    return "#{open}/>" unless failure
    return "#{open}><skipped message=\"#{escaped(failure.message)}\"/></testcase>" if result.skipped?

    "#{open}>#{bad(result, failure)}</testcase>"
  end

  # A file of helpers, or one of which the options leave nothing.
  def testless(file)
    "<testcase classname=\"#{escaped(file)}\" name=\"[file]\" file=\"#{escaped(file)}\">" \
      "<skipped message=\"no test\"/></testcase>"
  end

  def bad(result, failure)
    tag = result.error? ? "error" : "failure"
    kind = failure.respond_to?(:error) ? failure.error.class : failure.class
    message = failure.message.lines.first.to_s.chomp
    text = "#{failure.message}\n#{Array(failure.backtrace).join("\n")}"
    "<#{tag} message=\"#{escaped(message)}\" type=\"#{escaped(kind)}\">#{escaped(text)}</#{tag}>"
  end

  # Minitest hands on results; before 5.11 they were the tests themselves.
  def class_of(result)
    result.respond_to?(:klass) ? result.klass : result.class.name
  end

  def place(result)
    file, line = result.respond_to?(:source_location) ? result.source_location : nil
    file = @files.shown(class_of(result), file)
    file ? " file=\"#{escaped(file)}\"#{" line=\"#{line}\"" if line.to_i.positive?}" : ""
  end

  def escaped(text)
    clean = text.to_s.dup.force_encoding(Encoding::UTF_8).scrub("\uFFFD")
    clean = clean.gsub(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/, "\uFFFD")
    clean.gsub(/[&<>"\t\n\r]/) { |c| "&##{c.ord};" }
  end
end

# Which of the files a test came with.
class EvenlyFiles
  def initialize(files)
    @paths = files.to_h { |file| [File.expand_path(file), file] }
    @classes = {}
  end

  def names
    @paths.values
  end

  def load
    @paths.each do |path, file|
      before = Minitest::Runnable.runnables.dup
      require path
      # Its tests would run beside these, and nobody would hear of them.
      abort "evenly: #{file} needs test-unit, not Minitest" if defined?(Test::Unit::AutoRunner)
      (Minitest::Runnable.runnables - before).each { |found| @classes[found.name] ||= file }
    end
  end

  def shown(name, location)
    @paths[File.expand_path(location.to_s)] || @classes[name]
  end
end

to = ARGV.shift
cut = ARGV.index("--") || ARGV.length
files = EvenlyFiles.new(ARGV.shift(cut))
ARGV.shift

Minitest.extensions << "evenly"
Minitest.define_singleton_method(:plugin_evenly_init) do |_options|
  reporter << EvenlyJunit.new(to, files)
end

require "minitest/autorun"
files.load
