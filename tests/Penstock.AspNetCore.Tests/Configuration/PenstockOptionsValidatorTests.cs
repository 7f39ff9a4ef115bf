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
        { "Penstock:Conversations:MaxPerOwner is -1", o => o.Conversations.MaxPerOwner = -1 },
        { "Penstock:Conversations:MaxBytesPerOwner is -1", o => o.Conversations.MaxBytesPerOwner = -1 },
        { "Penstock:Storage:MaxStreamBytes is under 1024", o => o.Storage.MaxStreamBytes = 1 },
        { "Penstock:Streams:Heartbeat is -00:00:01", o => o.Streams.Heartbeat = TimeSpan.FromSeconds(-1) },
        { "Penstock:Generations:OnDisconnect is 'maybe'", o => o.Generations.OnDisconnect = "maybe" },
        { "Penstock:Limits:MaxBodyBytes is under 1024", o => o.Limits.MaxBodyBytes = 0 },
        { "Penstock:Queue:Kind is 'post'", o => o.Queue.Kind = "post" },
        { "Penstock:Queue:Role is 'worker', and nobody else", o => o.Queue.Role = "worker" },
        { "Penstock:Queue:RabbitMq is no broker's address", o => (o.Queue.Kind, o.Queue.RabbitMq) = ("rabbitmq", "localhost") },
        { "Penstock:Queue:MaxLength is under 1", o => o.Queue.MaxLength = 0 },
        { "Penstock:Queue:WhenFull is 'panic'", o => o.Queue.WhenFull = "panic" },
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

    [Fact]
    public void The_defaults_are_valid() => new PenstockOptionsValidator().Validate(null, Valid()).Succeeded.ShouldBeTrue();

    private static PenstockOptions Valid()
    {
        var options = new PenstockOptions();
        options.Providers["simulated"] = new ProviderOptions { Protocol = "simulated" };
        return options;
    }
}
