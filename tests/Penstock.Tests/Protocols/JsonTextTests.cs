using System.Buffers;
using System.Text;
using FsCheck;
using FsCheck.Fluent;
using Penstock.Protocols;

namespace Penstock.Tests.Protocols;

public sealed class JsonTextTests
{
    [Fact]
    public void Any_text_survives_escaping_and_back() => Prop.ForAll(Texts, text => JsonText.ToText(Escape(text)) == text).QuickCheckThrowOnFailure();

    [Fact]
    public void Escaped_text_is_what_other_JSON_readers_read() => Prop.ForAll(Texts, text =>
        !Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text)).Equals(text, StringComparison.Ordinal) // half a pair, which they cannot read
        || System.Text.Json.JsonDocument.Parse($"\"{Encoding.UTF8.GetString(Escape(text))}\"").RootElement.GetString() == text).QuickCheckThrowOnFailure();

    [Fact]
    public void Text_cut_into_pieces_anywhere_decodes_to_the_same_bytes() => Prop.ForAll(Texts, text =>
    {
        // One piece a UTF-16 unit: every pair is cut.
        var output = new ArrayBufferWriter<byte>();
        var high = '\0';
        foreach (var c in text) high = JsonText.Unescape(Escape(c.ToString()), high, output);
        if (high != 0) output.Write("\uFFFD"u8);
        return Encoding.UTF8.GetString(output.WrittenSpan) == Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));
    }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("""a\/b""", "a/b")]
    [InlineData("""\b\f\n\r\t""", "\b\f\n\r\t")]
    [InlineData("""\uD83D\uDE00""", "😀")]
    [InlineData("""\ud83d\ude00 é""", "😀 é")]
    public void Every_escape_of_JSON_is_understood(string escaped, string text)
    {
        JsonText.ToText(Encoding.UTF8.GetBytes(escaped)).ShouldBe(text);
        var output = new ArrayBufferWriter<byte>();
        JsonText.Unescape(Encoding.UTF8.GetBytes(escaped), '\0', output).ShouldBe('\0');
        Encoding.UTF8.GetString(output.WrittenSpan).ShouldBe(text);
    }

    /// <summary>Strings full of what breaks: controls, quotes, halves of surrogate pairs.</summary>
    internal static Arbitrary<string> Texts { get; } = Gen.ArrayOf(Gen.OneOf(
            Gen.Choose(0, 0x7f).Select(i => (char)i),
            Gen.Choose(0, 0xffff).Select(i => (char)i),
            Gen.Choose(0xd800, 0xdfff).Select(i => (char)i),
            Gen.Elements('"', '\\', '\n', '\u2028', '好', '\ud83d', '\ude00')))
        .Select(chars => new string(chars)).ToArbitrary();

    internal static byte[] Escape(string text)
    {
        var output = new ArrayBufferWriter<byte>();
        JsonText.Escape(text, output);
        return output.WrittenSpan.ToArray();
    }
}
