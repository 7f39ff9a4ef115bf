using System.Text;
using Penstock.Bench.Load;

namespace Penstock.Tests.Bench;

public sealed class TokenCheckerTests
{
    const string Whole = "data: [{\"a\":\"#0.100; \"}]\n\ndata: [{\"a\":\"#1.200; \"}]\n\ndata: [{\"a\":\"#2.300; \"}]\n\ndata: [DONE]\n\n";

    static (string Fault, List<long> Ages) Check(params IEnumerable<string> pieces)
    {
        var checker = new TokenChecker(expected: 3, Encoding.ASCII.GetBytes("[DONE]"));
        var ages = new List<long>();
        foreach (var piece in pieces) checker.Feed(Encoding.UTF8.GetBytes(piece), now: 1000, ages);
        return (checker.Finish().ToString(), ages);
    }

    [Fact]
    public void A_whole_reply_has_no_fault_and_each_token_its_age_wherever_it_is_cut()
    {
        for (var first = 0; first <= Whole.Length; first++)
        {
            for (var second = first; second <= Whole.Length; second++)
            {
                var (fault, ages) = Check(Whole[..first], Whole[first..second], Whole[second..]);
                fault.ShouldBe("None", $"cut at {first} and {second}");
                ages.ShouldBe([900, 800, 700]);
            }
        }
    }

    [Theory]
    [InlineData("#0.1; #1.1; #2.1; [DONE] #0.1; #1.1; #2.1; [DONE]", "None")]
    [InlineData("#0.1; #2.1; [DONE] #0.1; #1.1; #2.1;", "Skipped")]
    public void What_a_protocol_says_again_at_its_end_is_not_looked_at(string reply, string fault)
    {
        var checker = new TokenChecker(expected: 3, Encoding.ASCII.GetBytes("[DONE]"), repeats: true);
        foreach (var piece in reply) checker.Feed([(byte)piece], now: 1000, []);
        checker.Finish().ToString().ShouldBe(fault);
        checker.Tokens.ShouldBeLessThanOrEqualTo(3);
    }

    [Theory]
    [InlineData("#0.1; #2.1; [DONE]", "Skipped")]
    [InlineData("#1.1; #2.1; [DONE]", "Skipped")]
    [InlineData("#0.1; #2.1; #1.1; [DONE]", "Skipped")]
    [InlineData("#0.1; #1.1; #1.1; #2.1; [DONE]", "Repeated")]
    [InlineData("#0.1; #1.1; #2.1; #0.1; [DONE]", "Repeated")]
    [InlineData("#0.1; #1.1; [DONE]", "TooFew")]
    [InlineData("", "TooFew")]
    [InlineData("#0.1; #1.1; #2.1; ", "NoEnding")]
    [InlineData("#0.1; #1.1; #2.1; [DON[DONE", "NoEnding")]
    [InlineData("#0.1; #1.1; #2.1; #3.1; [DONE]", "AfterEnding")]
    [InlineData("#0.1; #1.1; #2.1; [DONE] [DONE]", "AfterEnding")]
    [InlineData("#0.1; #1.1; #2.1; [DONE] #2.1;", "AfterEnding")]
    [InlineData("##0.1; [ # #1. #1.1; [[D#2.1; [[DONE]", "None")]
    public void What_is_not_each_token_once_in_order_and_one_ending_is_a_fault(string reply, string fault)
    {
        Check(reply).Fault.ShouldBe(fault);
        Check(reply.Select(character => $"{character}")).Fault.ShouldBe(fault);
    }
}
