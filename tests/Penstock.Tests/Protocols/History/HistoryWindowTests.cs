using System.Diagnostics;
using System.Text;
using Penstock.Protocols;
using Penstock.Protocols.History;

namespace Penstock.Tests.Protocols.History;

public sealed class HistoryWindowTests
{
    private static readonly string _long = new('x', 400); // a hundred tokens

    [Fact]
    public void What_fits_stays_as_it_is()
    {
        var request = Chat(1000, Rule("s"), User(_long), Assistant(_long), User(_long));
        HistoryWindow.Fit(request).ShouldBeSameAs(request);
        var any = request with { Budget = null };
        HistoryWindow.Fit(any).ShouldBeSameAs(any);
    }

    [Fact]
    public void The_oldest_exchanges_go_and_instructions_stay()
    {
        var fitted = HistoryWindow.Fit(Chat(330, Rule("Be brief."), User($"1{_long}"), Assistant(_long), Rule("Be kind."), User($"2{_long}"), Assistant(_long), User($"3{_long}")));
        Texts(fitted).ShouldBe(["Be brief.", "Be kind.", $"2{_long}"[..9], _long[..9], $"3{_long}"[..9]]);
        fitted.Trimmed!.Messages.ShouldBe(2);
        fitted.Trimmed.Tokens.ShouldBe(209);
        fitted.Trimmed.LeftOut.List.ShouldBe("messages");
        fitted.Trimmed.LeftOut.Places.Order().ShouldBe([1, 2]);
    }

    [Fact]
    public void Calls_and_results_stay_together()
    {
        var fitted = HistoryWindow.Fit(Chat(
            330, User(_long), Call("a"), Result("a", _long), Assistant("Done."), User("Next"), Call("b"), Result("b", _long), Assistant(_long)));
        fitted.Messages.Select(m => m.Role).ShouldBe([Role.User, Role.Assistant, Role.Tool, Role.Assistant]);
        fitted.Trimmed!.LeftOut.Places.Order().ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public void Of_one_long_exchange_the_question_and_the_latest_steps_stay()
    {
        var fitted = HistoryWindow.Fit(Chat(330, User("Old"), Assistant("Old"), User("Question"), Call("a"), Result("a", _long), Call("b"), Result("b", _long), Call("c"), Result("c", _long), Call("d"), Result("d", "y")));
        fitted.Messages.Select(m => m.Role).ShouldBe([Role.User, Role.Assistant, Role.Tool, Role.Assistant, Role.Tool, Role.Assistant, Role.Tool]);
        Texts(fitted)[0].ShouldBe("Question");
        fitted.Messages.SelectMany(m => m.Parts).OfType<ToolCallPart>().Select(c => c.Id).ShouldBe(["b", "c", "d"]);
        fitted.Trimmed!.LeftOut.Places.Order().ShouldBe([0, 1, 3, 4]);
    }

    [Fact]
    public void What_is_too_long_whatever_goes_keeps_its_last_question_and_step()
    {
        var fitted = HistoryWindow.Fit(Chat(50, Rule(_long), User("Old"), User(_long), Call("a"), Result("a", _long), Call("b"), Result("b", _long)));
        fitted.Messages.Select(m => m.Role).ShouldBe([Role.System, Role.User, Role.Assistant, Role.Tool]);
    }

    [Fact]
    public void Fitted_again_with_more_in_it_more_goes()
    {
        var once = HistoryWindow.Fit(Chat(300, User($"1{_long}"), Assistant(_long), User("2"), Assistant(_long), User("3")));
        once.Trimmed!.Messages.ShouldBe(2);
        HistoryWindow.Fit(once).ShouldBeSameAs(once);
        var twice = HistoryWindow.Fit(once with { Added = [new Message(Role.Assistant, [new TextPart(_long + _long)])] });
        twice.Trimmed!.Messages.ShouldBe(4);
        twice.Trimmed.LeftOut.Places.Order().ShouldBe([0, 1, 2, 3]);
        Texts(twice).ShouldBe(["3"]);
    }

    [Fact]
    public void One_item_that_is_results_and_a_question_is_not_cut_in_two()
    {
        // Messages says both in one turn.
        var body = $$$"""
            {"max_tokens":5,"messages":[{"role":"user","content":"{{{_long}}}"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},
            {"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"{{{_long}}}"},{"type":"text","text":"And?"}]},{"role":"assistant","content":"Well."},{"role":"user","content":"So?"}]}
            """;
        var request = ClientProtocols.Messages.ReadRequest(Encoding.UTF8.GetBytes(body)) with { Budget = new HistoryBudget(200, 150, UsageSource.Estimated) };
        var fitted = HistoryWindow.Fit(request);
        Texts(fitted).ShouldBe(["So?"]);
        fitted.Trimmed!.LeftOut.Places.Order().ShouldBe([0, 1, 2, 3]);
    }

    [Fact]
    public void Results_that_the_user_says_are_no_question()
    {
        var turns = string.Join(',', Enumerable.Range(0, 4).Select(i => $$$"""
            {"role":"assistant","content":[{"type":"tool_use","id":"{{{i}}}","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"{{{i}}}","content":"{{{_long}}}"}]}
            """));
        var body = $$"""{"max_tokens":5,"messages":[{"role":"user","content":"Old"},{"role":"assistant","content":"Old"},{"role":"user","content":"Question"},{{turns}}]}""";
        var fitted = HistoryWindow.Fit(ClientProtocols.Messages.ReadRequest(Encoding.UTF8.GetBytes(body)) with { Budget = new HistoryBudget(300, 250, UsageSource.Estimated) });
        Texts(fitted)[0].ShouldBe("Question");
        fitted.Messages.SelectMany(m => m.Parts).OfType<ToolCallPart>().Select(c => c.Id).ShouldBe(["2", "3"]);
        fitted.Messages.SelectMany(m => m.Parts).OfType<ToolResultPart>().Select(c => c.Id).ShouldBe(["2", "3"]);
        fitted.Trimmed!.LeftOut.Places.Order().ShouldBe([0, 1, 3, 4, 5, 6]);
    }

    [Fact]
    public void A_thousand_messages_are_fitted_in_a_few_milliseconds()
    {
        var request = Chat(2000, [.. Enumerable.Range(0, 2000).Select(i => i % 2 == 0 ? User(_long) : Assistant(_long))]);
        HistoryWindow.Fit(request);
        var begun = Stopwatch.GetTimestamp();
        HistoryWindow.Fit(request).Messages.Count.ShouldBe(18);
        Stopwatch.GetElapsedTime(begun).ShouldBeLessThan(TimeSpan.FromMilliseconds(100));
    }

    private static GenerationRequest Chat(long budget, params string[] messages) =>
        ClientProtocols.ChatCompletions.ReadRequest(Encoding.UTF8.GetBytes($$"""{"messages":[{{string.Join(',', messages)}}]}""")) with { Budget = new HistoryBudget(budget * 2, budget, UsageSource.Estimated) };

    private static string Rule(string text) => $$"""{"role":"system","content":"{{text}}"}""";

    private static string User(string text) => $$"""{"role":"user","content":"{{text}}"}""";

    private static string Assistant(string text) => $$"""{"role":"assistant","content":"{{text}}"}""";

    private static string Call(string id) => $$$"""{"role":"assistant","tool_calls":[{"id":"{{{id}}}","type":"function","function":{"name":"f","arguments":"{}"}}]}""";

    private static string Result(string id, string text) => $$"""{"role":"tool","tool_call_id":"{{id}}","content":"{{text}}"}""";

    private static IReadOnlyList<string> Texts(GenerationRequest request) => [.. request.Messages.Select(m => m.Text[..Math.Min(9, m.Text.Length)])];
}
