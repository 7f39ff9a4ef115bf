using System.Text.RegularExpressions;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;
using Penstock.AspNetCore.Configuration;
using Penstock.Mcp;
using Penstock.Testing;

namespace Penstock.AspNetCore.Tests.Configuration;

/// <summary>A key that is misspelt, and a value that is not what its key holds, stop the start with a sentence.</summary>
public sealed class ConfigurationSpellingTests
{
    private static readonly Dictionary<string, Type[]> _kinds = new(StringComparer.Ordinal)
    {
        ["text"] = [typeof(string)],
        ["time"] = [typeof(TimeSpan)],
        ["count"] = [typeof(int)],
        ["whole"] = [typeof(long)],
        ["number"] = [typeof(decimal), typeof(double)],
        ["flag"] = [typeof(bool)],
        ["date"] = [typeof(DateTimeOffset)],
    };

    [Theory]
    [InlineData("Storge:Kind", "memory", "Penstock:Storge is not a setting; did you mean Penstock:Storage?")]
    [InlineData("Storage:Kindd", "memory", "Penstock:Storage:Kindd is not a setting; did you mean Penstock:Storage:Kind?")]
    [InlineData("Providers:up:BaseURI", "http://localhost", "Penstock:Providers:up:BaseURI is not a setting; did you mean Penstock:Providers:up:BaseUrl?")]
    [InlineData("Auth:Keys:0123456789ab:Limits:RequestPerMinute", "3", "did you mean Penstock:Auth:Keys:0123456789ab:Limits:RequestsPerMinute?")]
    [InlineData("Mcp:Servers:files:Comand", "x", "did you mean Penstock:Mcp:Servers:files:Command?")]
    [InlineData("Cache:Lifetime", "1", "Penstock:Cache:Lifetime is not a setting; the settings of Penstock:Cache are MaxAge.")]
    [InlineData("Storage:Kind:Name", "memory", "Penstock:Storage:Kind is one value, and has no Name below it.")]
    [InlineData("Cors:Origins", "https://app.example.com", "Penstock:Cors:Origins holds several")]
    [InlineData("Models:fast", "simulated/chat", "Penstock:Models:fast is no value of its own; its settings are Targets, ")]
    [InlineData("Storage:Retention", "24h", "Penstock:Storage:Retention is '24h'; write hours:minutes:seconds")]
    [InlineData("Storage:Retention", "24:00:00", "Penstock:Storage:Retention is '24:00:00', which would be 24 days; write hours:minutes:seconds")]
    [InlineData("Storage:Retention", "3600", "Penstock:Storage:Retention is '3600', which would be 3600 days; ")]
    [InlineData("Limits:MaxBodyBytes", "32MB", "Penstock:Limits:MaxBodyBytes is '32MB'; give a whole number")]
    [InlineData("Generations:MaxRunning", "many", "Penstock:Generations:MaxRunning is 'many'; give a whole number")]
    [InlineData("Generations:MaxRunning", "3000000000", "Penstock:Generations:MaxRunning is '3000000000'; give a whole number, 2147483647 at most.")]
    [InlineData("Limits:PerKey:BudgetPerDay", "5 EUR", "Penstock:Limits:PerKey:BudgetPerDay is '5 EUR'; give a number")]
    [InlineData("Auth:Open", "yes", "Penstock:Auth:Open is 'yes'; set it to true or false.")]
    [InlineData("Auth:Keys:0123456789ab:ExpiresAt", "soon", "Penstock:Auth:Keys:0123456789ab:ExpiresAt is 'soon'; give a time")]
    public void A_mistake_is_told_by_its_key(string key, string value, string sentence) =>
        Should.Throw<OptionsValidationException>(() => Check((key, value))).Failures.ShouldHaveSingleItem().ShouldContain(sentence);

    [Fact]
    public void All_mistakes_are_told_at_once_and_no_free_text_is_repeated()
    {
        var failures = Should.Throw<OptionsValidationException>(() => Check(("Providers:up:Key", "sk-secret"), ("Providers:up", "sk-secret"), ("Auth:Open", "yes"))).Failures.ToList();
        failures.Count.ShouldBe(3);
        failures.ShouldAllBe(f => !f.Contains("secret", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("Storage:Retention", "1.00:00:00")]
    [InlineData("Storage:Retention", "23:59:59")]
    [InlineData("Storage:Retention", "")]
    [InlineData("Cache:MaxAge", "0")]
    [InlineData("storage:kind", "memory")]
    [InlineData("Retry:BaseDelay", "00:00:00.5")]
    [InlineData("Models:fast:Targets:0", "simulated/chat")]
    [InlineData("Models:fast:Targets:0:Weight", "2.5")]
    [InlineData("Providers:local:Windows:llama3", "8192")]
    [InlineData("Limits:Owners:alice:BudgetPerDay", "0.5")]
    [InlineData("Mcp:Servers:files:Env:ANY_NAME", "x")]
    public void What_is_right_is_taken(string key, string value) => Should.NotThrow(() => Check((key, value)));

    [Fact]
    public void The_table_has_the_keys_of_the_options_and_what_they_hold()
    {
        var table = ConfigurationKeys.Root().All().ToDictionary(k => k.Path, k => k.Kind, StringComparer.Ordinal);
        var options = KeysOf("", typeof(PenstockOptions)).Concat(KeysOf("Mcp:Servers:*:", typeof(McpServerOptions))).ToDictionary(k => k.Path, k => k.Type, StringComparer.Ordinal);
        options["Models:*:Targets:*"] = typeof(string); // what PlainTargets reads
        table.Keys.Except(options.Keys).ShouldBeEmpty();
        options.Keys.Except(table.Keys).ShouldBeEmpty();
        table.Where(k => !_kinds[k.Value].Contains(options[k.Key])).ShouldBeEmpty();
    }

    [Fact]
    public async Task Each_key_is_on_the_page_of_the_configuration()
    {
        var page = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "configuration.md"));
        var names = ConfigurationKeys.Root().All().Select(k => k.Path.Split(':').Last(n => n != "*")).Distinct(StringComparer.Ordinal);
        names.Where(n => !Regex.IsMatch(page, $"`[^`]*\\b{n}\\b[^`]*`", RegexOptions.None, TimeSpan.FromSeconds(10))).ShouldBeEmpty();
    }

    private static void Check(params (string Key, string Value)[] settings) =>
        ConfigurationSpelling.Check(new ConfigurationBuilder().AddInMemoryCollection(settings.Select(s => KeyValuePair.Create($"Penstock:{s.Key}", (string?)s.Value))).Build().GetSection("Penstock"));

    private static IEnumerable<(string Path, Type Type)> KeysOf(string prefix, Type type) =>
        type.GetProperties().Where(p => p.SetMethod is { IsPublic: true }).SelectMany(p => Below($"{prefix}{p.Name}", p.PropertyType));

    private static IEnumerable<(string Path, Type Type)> Below(string path, Type type)
    {
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (_kinds.Values.Any(k => k.Contains(type))) return [(path, type)];
        return type.IsGenericType ? Below($"{path}:*", type.GetGenericArguments()[^1]) : KeysOf($"{path}:", type);
    }
}
