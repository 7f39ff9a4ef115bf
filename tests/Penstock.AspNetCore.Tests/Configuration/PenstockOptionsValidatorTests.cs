using Penstock.AspNetCore.Configuration;
using Penstock.Providers;

namespace Penstock.AspNetCore.Tests.Configuration;

public sealed class PenstockOptionsValidatorTests
{
    public static TheoryData<string, Action<PenstockOptions>> Mistakes => new()
    {
        { "Penstock:Storage:Kind is 'tape'", o => o.Storage.Kind = "tape" },
        { "Penstock:Storage:Commit is 'never'", o => o.Storage.Commit = "never" },
        { "Penstock:Storage:RedisOutage is 00:00:00", o => o.Storage.RedisOutage = TimeSpan.Zero },
        { "Penstock:Storage:Path is empty", o => o.Storage.Path = " " },
        { "Penstock:Storage:Retention is 00:00:00", o => o.Storage.Retention = TimeSpan.Zero },
        { "Penstock:Storage:Retention is 10000000.00:00:00; give a time above zero, 36500 days at most", o => o.Storage.Retention = TimeSpan.FromDays(10_000_000) },
        { "Penstock:Generations:Grace is 30.00:00:00; give a time above zero, 24 days at most", o => o.Generations.Grace = TimeSpan.FromDays(30) },
        { "Penstock:Generations:ShutdownTimeout is -00:00:01; give a time from zero on", o => o.Generations.ShutdownTimeout = TimeSpan.FromSeconds(-1) },
        { "Penstock:Conversations:MaxPerOwner is -1", o => o.Conversations.MaxPerOwner = -1 },
        { "Penstock:Conversations:MaxBytesPerOwner is -1", o => o.Conversations.MaxBytesPerOwner = -1 },
        { "Penstock:Storage:MaxMemoryBytes is 0", o => o.Storage.MaxMemoryBytes = 0 },
        { "Penstock:Limits:MaxBodyBytes is 4294967296", o => o.Limits.MaxBodyBytes = 1L << 32 },
        { "Penstock:Limits:ReservedTokens is 9223372036854775807", o => o.Limits.ReservedTokens = long.MaxValue },
        { "Penstock:Limits:PerKey:TokensPerMinute is 9223372036854775807", o => o.Limits.PerKey.TokensPerMinute = long.MaxValue },
        { "Penstock:Limits:Prices:0:Output is 79228162514264337593543950335", o => o.Limits.Prices = [new() { Model = "*", Output = decimal.MaxValue }] },
        { "Penstock:Storage:MaxStreamBytes is under 1024", o => o.Storage.MaxStreamBytes = 1 },
        { "Penstock:Streams:Heartbeat is -00:00:01", o => o.Streams.Heartbeat = TimeSpan.FromSeconds(-1) },
        { "Penstock:Generations:OnDisconnect is 'maybe'", o => o.Generations.OnDisconnect = "maybe" },
        { "Penstock:Limits:MaxBodyBytes is under 1024", o => o.Limits.MaxBodyBytes = 0 },
        { "Penstock:Queue:Kind is 'post'", o => o.Queue.Kind = "post" },
        { "Penstock:Queue:Role is 'worker', and nobody else", o => o.Queue.Role = "worker" },
        { "Penstock:Queue:RabbitMq is no broker's address", o => (o.Queue.Kind, o.Queue.RabbitMq) = ("rabbitmq", "localhost") },
        { "Penstock:Queue:MaxLength is under 1", o => o.Queue.MaxLength = 0 },
        { "Penstock:Queue:WhenFull is 'panic'", o => o.Queue.WhenFull = "panic" },
        { "Penstock:Cors:Origins has 'app.example.com'", o => o.Cors.Origins = ["*", "http://localhost:5173", "app.example.com"] },
        { "Penstock:Cors:Origins has 'https://app.example.com/'", o => o.Cors.Origins = ["https://app.example.com/"] },
        { "Penstock:DefaultModel is 'gpt'", o => o.DefaultModel = "gpt" },
        { "Penstock:Models:fast:Targets is empty", o => o.Models["fast"] = new() },
        { "Penstock:Models:fast:Targets is 'nobody/x'", o => o.Models["fast"] = new() { Targets = [new TargetOptions { Model = "nobody/x" }] } },
        { "Penstock:Providers:up:BaseUrl is 'nowhere'", o => o.Providers["up"] = new() { BaseUrl = "nowhere" } },
        { "Penstock:Providers:up:Protocol is 'smoke'", o => o.Providers["up"] = new() { BaseUrl = "http://localhost", Protocol = "smoke" } },
        { "Penstock:Filters:0: Action is 'shout'", o => o.Filters = [new() { Builtin = "keys", Action = "shout" }] },
        { "Penstock:Filters:0: Builtin is 'names'", o => o.Filters = [new() { Builtin = "names" }] },
        { "Penstock:Filters:0: Name is ''", o => o.Filters = [new() { Pattern = "a" }] },
        { "Penstock:Filters:1: Pattern cannot be used: ", o => o.Filters = [new() { Builtin = "keys" }, new() { Name = "x", Pattern = "a*" }] },
        { "Penstock:Filters:0: has to have a Pattern or a Builtin", o => o.Filters = [new() { Name = "x" }] },
        { "Penstock:History:Policy is 'forget'; set it to one of off, summary, window.", o => o.History.Policy = "forget" },
        { "Penstock:History:SummaryModel is 'nobody/x'", o => o.History.SummaryModel = "nobody/x" },
        { "Penstock:History:SummaryTimeout is 00:00:00", o => o.History.SummaryTimeout = TimeSpan.Zero },
        { "Penstock:Models:fast:History:Policy is 'forget'", o => o.Models["fast"] = new() { History = new() { Policy = "forget" } } },
        { "Penstock:Models:fast:History:SummaryModel is 'x'; name it provider/model", o => o.Models["fast"] = new() { History = new() { SummaryModel = "x" } } },
        { "Penstock:Providers:a/b", o => o.Providers["a/b"] = new() { BaseUrl = "http://localhost" } },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_told_by_its_key(string sentence, Action<PenstockOptions> mistake)
    {
        var options = Valid();
        mistake(options);
        var result = new PenstockOptionsValidator().Validate(null, options);
        result.Failures.ShouldNotBeNull().ShouldContain(f => f.StartsWith(sentence, StringComparison.Ordinal));
    }

    // Each time, those to come too: beyond any date or timer it would fail somewhere, some day.
    [Fact]
    public void A_time_that_is_too_long_or_negative_is_told_by_its_key()
    {
        var count = 0;
        foreach (var time in (TimeSpan[])[TimeSpan.MaxValue, TimeSpan.FromDays(40_000), TimeSpan.FromSeconds(-1), Timeout.InfiniteTimeSpan])
        {
            foreach (var (path, set) in Times(All(), ""))
            {
                var options = All();
                set(options, time);
                var result = new PenstockOptionsValidator().Validate(null, options);
                result.Failures.ShouldNotBeNull(path).ShouldHaveSingleItem(path).ShouldStartWith($"Penstock{path} is {time}");
                count++;
            }
        }

        count.ShouldBeGreaterThan(4 * 20);
    }

    [Fact]
    public void The_defaults_are_valid() => new PenstockOptionsValidator().Validate(null, Valid()).Succeeded.ShouldBeTrue();

    private static PenstockOptions Valid()
    {
        var options = new PenstockOptions();
        options.Providers["simulated"] = new ProviderOptions { Protocol = "simulated" };
        return options;
    }

    // With one of each thing that there may be several of.
    private static PenstockOptions All()
    {
        var options = Valid();
        options.Models["fast"] = new() { Targets = [new TargetOptions { Model = "simulated/chat" }], HedgeAfter = TimeSpan.FromSeconds(1) };
        options.Auth.Keys["0123456789ab"] = new() { Hash = new string('0', 64), CacheMaxAge = TimeSpan.Zero };
        (options.Auth.Jwt.Issuer, options.Auth.Jwt.Audience) = ("https://login.example.com", "penstock");
        return options;
    }

    // Where each time of the options is, and how it is set in other options of the same shape.
    private static IEnumerable<(string Path, Action<object, TimeSpan> Set)> Times(object holder, string path)
    {
        foreach (var property in holder.GetType().GetProperties().Where(p => p is { CanRead: true } && p.GetIndexParameters().Length == 0))
        {
            var here = $"{path}:{property.Name}";
            if (property.PropertyType == typeof(TimeSpan) || property.PropertyType == typeof(TimeSpan?))
            {
                yield return (here, (other, time) => property.SetValue(other, time));
                continue;
            }

            if (property.GetValue(holder) is not { } value || value.GetType().Assembly == typeof(string).Assembly && value is not System.Collections.IDictionary) continue;
            var inner = value is System.Collections.IDictionary several
                ? several.Keys.Cast<object>().SelectMany(key => several[key] is { } one && one.GetType().IsClass && one is not string
                    ? Times(one, $"{here}:{key}").Select(t => (t.Path, (Action<object, TimeSpan>)((other, time) => t.Set(((System.Collections.IDictionary)property.GetValue(other)!)[key]!, time))))
                    : [])
                : Times(value, here).Select(t => (t.Path, (Action<object, TimeSpan>)((other, time) => t.Set(property.GetValue(other)!, time))));
            foreach (var found in inner) yield return found;
        }
    }
}
