using System.Buffers;
using System.Text.RegularExpressions;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Generations.Filters;

namespace Penstock.Tests.Generations.Filters;

public sealed class TextFilterTests
{
    // Over few letters, so that random texts hold matches, halves of matches, and matches in matches.
    private static readonly string[] _patterns =
    [
        "ab", "a+b", "a*b", "(ab|ba)c", "ab?c", "a{2,3}b", "a{2}", "(?:ab)+c", "[ab]+c", "a[^b]c", @"\bab\b", @"a\bb*", @"\w+c", "a.c", "(?i)AB+", "(?<x>a|bb){2,}c", "a+?b", @"(a|ab)(c|bcd)", "aa|aab+c|b",
    ];

    public static TheoryData<string> Patterns => [.. _patterns];

    [Theory]
    [MemberData(nameof(Patterns))]
    public void However_a_text_is_split_it_is_masked_as_if_it_were_whole(string pattern)
    {
        var letters = Gen.Elements('a', 'b', 'c', ' ', 'B');
        var cases = letters.ListOf().Select(text => string.Concat(text)).Zip(Gen.Choose(0, 4).ListOf()).ToArbitrary();
        var expected = new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
        var filter = Filter(pattern);
        Prop.ForAll(cases, c => Masked(filter, Split(c.Item1, c.Item2)) == expected.Replace(c.Item1, "[x]")).QuickCheckThrowOnFailure();
    }

    [Theory]
    [MemberData(nameof(Patterns))]
    public void What_is_held_back_may_yet_become_a_match(string pattern)
    {
        var letters = Gen.Elements('a', 'b', 'c', ' ');
        var filter = Filter(pattern);
        var whole = new Regex(pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));
        Prop.ForAll(letters.ListOf().Select(text => string.Concat(text.Take(6))).ToArbitrary(), text =>
        {
            var output = new ArrayBufferWriter<char>();
            var altered = false;
            new TextFilter(filter).Take(text, end: false, output, ref altered);
            if (altered) return true;
            var held = text[output.WrittenCount..];
            if (held.Length == 0) return true;
            return Ways(3).Any(way => whole.Matches(text + way).Any(m => m.Index <= text.Length - held.Length && m.Index + m.Length > text.Length - held.Length));
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(30));
    }

    [Fact]
    public void Nothing_waits_that_is_no_beginning_of_a_match()
    {
        var filter = new TextFilter(Builtin("emails"));
        Shown(filter, "Write to ").ShouldBe("Write to ");
        Shown(filter, "me, ").ShouldBe("me, ");
        Shown(filter, "ann").ShouldBe("");
        Shown(filter, "@example").ShouldBe("");
        Shown(filter, ".org").ShouldBe("");
        Shown(filter, " or ").ShouldBe("[emails] or ");
        Shown(filter, "not").ShouldBe("");
        Shown(filter, "", end: true).ShouldBe("not");
    }

    [Theory]
    [InlineData("emails", "ann.lee+x@mail.example.co.uk")]
    [InlineData("cards", "4111 1111 1111 1111")]
    [InlineData("cards", "378282246310005")]
    [InlineData("cards", "5555-5555-5555-4444")]
    [InlineData("keys", "sk-proj-abcdefghij0123456789")]
    [InlineData("keys", "AKIAIOSFODNN7EXAMPLE")]
    [InlineData("keys", "AIzaSyA0123456789abcdefghijklmnopqrstuv")]
    [InlineData("keys", "ghp_0123456789abcdefghijklmnopqrstuvwxyz")]
    [InlineData("keys", "eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.SflKxwRJSMeKKF2QT4")]
    [InlineData("keys", "-----BEGIN RSA PRIVATE KEY-----\nMIIEow+/=\n-----END RSA PRIVATE KEY-----")]
    public void A_builtin_finds_what_it_is_for_wherever_it_is_split(string builtin, string secret)
    {
        var filter = Builtin(builtin);
        foreach (var (before, after) in (ReadOnlySpan<(string, string)>)[("", ""), ("So: ", ", and on."), ("12 ", " 24")])
        {
            var text = before + secret + after;
            for (var at = 0; at <= text.Length; at++)
                Masked(filter, [text[..at], text[at..]]).ShouldBe($"{before}[{builtin}]{after}", $"split at {at} of {text}");
            Masked(filter, text.Select(c => $"{c}")).ShouldBe($"{before}[{builtin}]{after}", text);
        }
    }

    [Theory]
    [InlineData("cards", "4111 1111 1111 1112")]
    [InlineData("cards", "Call 020 7946 0958 at 10")]
    [InlineData("keys", "The task-management-of-many-things is ask-able.")]
    [InlineData("emails", "a @ b, @home and x@y")]
    public void A_builtin_lets_other_things_be(string builtin, string text) => Masked(Builtin(builtin), text.Select(c => $"{c}")).ShouldBe(text);

    [Fact]
    public void What_is_held_is_bounded()
    {
        var filter = new TextFilter(Filter("<.*>"));
        var sent = 0;
        var shown = 0;
        for (var i = 0; i < 100; i++)
        {
            shown += Shown(filter, i == 0 ? $"<{new string('x', 999)}" : new string('x', 1000)).Length;
            sent += 1000;
            (sent - shown).ShouldBeLessThanOrEqualTo(TextFilter.MaxHeld);
        }

        (shown + Shown(filter, "", end: true).Length).ShouldBe(sent);
    }

    [Theory]
    [InlineData("a*")]
    [InlineData("(a|)")]
    [InlineData(@"\b")]
    [InlineData("^a")]
    [InlineData("a$")]
    [InlineData("(?=a)b")]
    [InlineData("(?<!a)b")]
    [InlineData("(?>a)b")]
    [InlineData(@"(a)\1")]
    [InlineData("(a")]
    [InlineData("a)")]
    [InlineData("[a")]
    [InlineData("a**")]
    [InlineData(@"\Aa")]
    [InlineData(@"\p{Nonsense}")]
    [InlineData(@"\u12")]
    public void A_pattern_that_a_stream_cannot_take_is_refused(string pattern) => Should.Throw<FormatException>(() => Filter(pattern)).Message.ShouldStartWith("Pattern cannot be used: ");

    private static OutputFilter Filter(string pattern) => OutputFilter.New(new FilterOptions { Name = "x", Pattern = pattern });

    private static OutputFilter Builtin(string name) => OutputFilter.New(new FilterOptions { Builtin = name });

    private static string Masked(OutputFilter options, IEnumerable<string> pieces)
    {
        var filter = new TextFilter(options);
        return string.Concat(pieces.Select(piece => Shown(filter, piece))) + Shown(filter, "", end: true);
    }

    private static string Shown(TextFilter filter, string text, bool end = false)
    {
        var output = new ArrayBufferWriter<char>();
        var altered = false;
        filter.Take(text, end, output, ref altered).ShouldBeTrue();
        return new string(output.WrittenSpan);
    }

    private static IEnumerable<string> Split(string text, IEnumerable<int> lengths)
    {
        foreach (var length in lengths)
        {
            var taken = Math.Min(length, text.Length);
            yield return text[..taken];
            text = text[taken..];
        }

        yield return text;
    }

    private static IEnumerable<string> Ways(int length) =>
        length == 0 ? [""] : Ways(length - 1).SelectMany(way => way.Length == length - 1 ? new[] { way }.Concat("abcd ".Select(c => way + c)) : [way]);
}
