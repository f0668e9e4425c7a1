<?php
/*
 * Between evenly and PHPUnit: `php phpunit.php list XML OPTIONS...` after `--list-tests-xml XML`,
 * and `php phpunit.php mend JUNIT OPTIONS...` after `--log-junit JUNIT`.
 *
 * `list` prints the listing without the tests that the groups of the options and of `phpunit.xml`
 * leave out, since PHPUnit lists those too. `mend` makes the report of PHPUnit 9 say what PHPUnit
 * itself takes for a failure: there a risky test is an error, and a warning is not, whatever
 * `failOnRisky` and `failOnWarning` are.
 */

function refused(string $why): void
{
    fwrite(STDERR, "evenly: $why\n");
    exit(1);
}

/** What an option was given last; none where it was not. */
function option(array $options, string ...$names): ?string
{
    $found = null;
    foreach ($options as $at => $option) {
        foreach ($names as $name) {
            if ($option === $name) {
                $found = $options[$at + 1] ?? '';
            } elseif (strpos($option, "$name=") === 0) {
                $found = substr($option, strlen($name) + 1);
            }
        }
    }
    return $found;
}

/** The configuration that PHPUnit finds. */
function configuration(array $options): DOMXPath
{
    $given = option($options, '-c', '--configuration');
    $xml = new DOMDocument();
    $in = $given !== null && is_dir($given) ? "$given/" : '';
    $files = ["{$in}phpunit.xml", "{$in}phpunit.dist.xml", "{$in}phpunit.xml.dist"];
    if ($given !== null && $in === '') {
        $files = [$given];
    } elseif (in_array('--no-configuration', $options, true)) {
        $files = [];
    }
    foreach (array_filter($files, 'is_file') as $file) {
        $xml->load($file);
        break;
    }
    return new DOMXPath($xml);
}

/** @return string[]|null the groups that an option or the configuration names */
function groups(array $options, DOMXPath $configuration, string $option, string $key): ?array
{
    $given = option($options, "--$option");
    if ($given !== null) {
        return explode(',', $given);
    }
    $nodes = iterator_to_array($configuration->query("/phpunit/groups/$key/group"), false);
    return $nodes ? array_map(function ($node) { return trim($node->textContent); }, $nodes) : null;
}

function listed(string $file, array $options): string
{
    foreach (['--filter', '--exclude-filter', '--covers', '--uses'] as $option) {
        if (option($options, $option) !== null) {
            refused("`$option` cannot be in `args`, since evenly selects with a filter of its own: "
                . 'use `--group`, `--exclude-group` or `--testsuite`');
        }
    }
    $configuration = configuration($options);
    $include = groups($options, $configuration, 'group', 'include');
    $exclude = groups($options, $configuration, 'exclude-group', 'exclude');
    if ($exclude !== null && option($options, '--exclude-group') === null) {
        $exclude = array_diff($exclude, explode(',', option($options, '--group') ?? ''));
    }
    $kept = function (array $test) use ($include, $exclude): string {
        $its = explode(',', html_entity_decode($test[1], ENT_QUOTES | ENT_XML1));
        $out = ($exclude && array_intersect($its, $exclude))
            || ($include && !array_intersect($its, $include));
        return $out ? '' : $test[0];
    };
    // Not read as XML: a data set's name may have characters that XML has not.
    $test = '~<testCaseMethod\b[^>]*? groups="([^"]*)"[^>]*/>~';
    return preg_replace_callback($test, $kept, file_get_contents($file));
}

function mended(string $junit, array $options): string
{
    $configuration = configuration($options);
    $fails = function (string $option, string $key) use ($options, $configuration): bool {
        $set = $configuration->evaluate("string(/phpunit/@$key)");
        return in_array($option, $options, true) || $set === 'true';
    };
    $risky = 'RiskyTestError|OutputError|MissingCoversAnnotationException'
        . '|UnintentionallyCoveredCodeError|CoveredCodeNotExecutedException';
    if (!$fails('--fail-on-risky', 'failOnRisky')) {
        $error = "~<error type=\"PHPUnit\\\\Framework\\\\($risky)\">([^<]*)</error>~";
        $junit = preg_replace($error, '<system-out>$2</system-out>', $junit) ?? $junit;
    }
    if ($fails('--fail-on-warning', 'failOnWarning')) {
        $warning = '~<warning( type="[^"]*")?>([^<]*)</warning>~';
        $junit = preg_replace($warning, '<failure$1>$2</failure>', $junit) ?? $junit;
    }
    return $junit;
}

[, $what, $file] = $argv;
$options = array_slice($argv, 3);
if ($what === 'list') {
    echo listed($file, $options);
} elseif (is_file($file)) {
    file_put_contents($file, mended(file_get_contents($file), $options));
}
