using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Finds what the binder would pass over, or break off at: keys that do not exist, and values that are not what their key holds.</summary>
internal static class ConfigurationSpelling
{
    /// <exception cref="OptionsValidationException">A sentence for each mistake.</exception>
    public static void Check(IConfigurationSection penstock)
    {
        var errors = new List<string>();
        Check(errors, penstock, ConfigurationKeys.Root());
        if (errors.Count > 0) throw new OptionsValidationException(Options.DefaultName, typeof(PenstockOptions), errors);
    }

    private static void Check(List<string> errors, IConfigurationSection section, ConfigurationKey key)
    {
        foreach (var child in section.GetChildren())
        {
            if (key[child.Key] is not { } known)
            {
                errors.Add(key.Names.Count == 0 ? $"{section.Path} is one value, and has no {child.Key} below it." : $"{child.Path} is not a setting; {Instead(section.Path, child.Key, key.Names)}");
                continue;
            }

            if (child.Value is { Length: > 0 } value && Mistake(known, child.Path, value) is { } mistake) errors.Add(mistake);
            Check(errors, child, known);
        }
    }

    // Without the value where that is free text: it may be a secret.
    private static string? Mistake(ConfigurationKey key, string path, string value) => key.Kind switch
    {
        null => key.TakesAnyName
            ? $"{path} holds several, each with its own name or number; write {path}:0, or {path}:<name>, and what belongs there."
            : $"{path} is no value of its own; its settings are {string.Join(", ", key.Names)}.",
        "time" => Time(path, value),
        "count" when !int.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) => $"{path} is '{value}'; give a whole number, 2147483647 at most.",
        "whole" when !long.TryParse(value, NumberStyles.Integer, CultureInfo.InvariantCulture, out _) => $"{path} is '{value}'; give a whole number, without a unit.",
        "number" when !decimal.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out _) => $"{path} is '{value}'; give a number, such as 0.5.",
        "flag" when !bool.TryParse(value, out _) => $"{path} is '{value}'; set it to true or false.",
        "date" when !DateTimeOffset.TryParse(value, CultureInfo.InvariantCulture, out _) => $"{path} is '{value}'; give a time like 2030-01-31T12:00:00Z.",
        _ => null,
    };

    private static string? Time(string path, string value)
    {
        const string Mend = "write hours:minutes:seconds with hours under 24, such as 00:00:30, or days.hours:minutes:seconds, such as 1.00:00:00";
        if (!TimeSpan.TryParse(value, CultureInfo.InvariantCulture, out var time)) return $"{path} is '{value}'; {Mend}.";
        // .NET takes a number alone, and hours that no day has, for days.
        return time.Days != 0 && !value.Split(':')[0].Contains('.', StringComparison.Ordinal) ? $"{path} is '{value}', which would be {time.Days} days; {Mend}." : null;
    }

    private static string Instead(string section, string name, IReadOnlyCollection<string> names) =>
        names.MinBy(n => Distance(n, name)) is { } nearest && Distance(nearest, name) <= Math.Max(2, name.Length / 3)
            ? $"did you mean {section}:{nearest}?"
            : $"the settings of {section} are {string.Join(", ", names)}.";

    // How many letters are to be changed, put in or left out.
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0]++;
            for (var j = 1; j <= other.Length; j++)
            {
                var changed = diagonal + (char.ToUpperInvariant(one[i - 1]) == char.ToUpperInvariant(other[j - 1]) ? 0 : 1);
                (diagonal, row[j]) = (row[j], Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1));
            }
        }

        return row[^1];
    }
}
