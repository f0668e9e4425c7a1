# frozen_string_literal: true

# Between evenly and RSpec: `rspec --require rspec.rb --format EvenlyOutside --out JUNIT`, beside a
# formatter that tells of the examples. What went wrong outside of all examples, as in a hook of
# `after(:context)`, RSpec prints and fails for, and no example tells of it: here it is a test case
# that is an error.

require "rspec/core/formatters/base_formatter"

# Remembers what RSpec says beside its examples.
class EvenlyOutside < RSpec::Core::Formatters::BaseFormatter
  RSpec::Core::Formatters.register self, :message, :dump_summary

  def message(notification)
    (@said ||= []) << notification.message
  end

  def dump_summary(summary)
    count = summary.errors_outside_of_examples_count
    output << "<testsuites>#{error(count) if count.positive?}</testsuites>\n"
  end

  private

  def error(count)
    text = (@said || []).grep(/An error occurred/).join("\n").gsub(/\e\[[\d;]*m/, "")
    "<testsuite><testcase classname=\"rspec\" name=\"outside of examples\">" \
      "<error message=\"errors outside of examples: #{count}\">#{escaped(text)}</error>" \
      "</testcase></testsuite>"
  end

  def escaped(text)
    clean = text.to_s.dup.force_encoding(Encoding::UTF_8).scrub("\uFFFD")
    clean = clean.gsub(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/, "\uFFFD")
    clean.gsub(/[&<>"]/) { |c| "&##{c.ord};" }
  end
end
