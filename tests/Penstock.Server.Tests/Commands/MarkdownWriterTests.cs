using Penstock.Server.Commands.Output;

namespace Penstock.Server.Tests.Commands;

public sealed class MarkdownWriterTests
{
    [Theory]
    [InlineData("plain text\n", "plain text\n")]
    [InlineData("# Title\ntext\n", "\e[0;1;34mTitle\e[0m\ntext\n")]
    [InlineData("a **b** *c* `d*e*`\n", "a \e[0;1mb\e[0m \e[0;3mc\e[0m \e[0;36md*e*\e[0m\n")]
    [InlineData("2 * 3 * 4, snake_case_name\n", "2 * 3 * 4, snake_case_name\n")]
    [InlineData("- a\n  * b\n#no\n", "• a\n  • b\n#no\n")]
    [InlineData("> q\nx\n", "\e[0;2m│ q\e[0m\nx\n")]
    [InlineData("```c\n**a**\n```\nb\n", "\e[0;2m```c\e[0m\n\e[0;36m**a**\n\e[0;36;2m```\e[0m\nb\n")]
    [InlineData("open **bold\nnext\n", "open \e[0;1mbold\e[0m\nnext\n")]
    [InlineData("\e]0;owned\ahi\r\n", "]0;ownedhi\n")]
    [InlineData("😀 é\n", "😀 é\n")]
    public void It_writes_the_same_however_the_text_is_split(string text, string expected)
    {
        foreach (var size in new[] { 1, 2, 3, text.Length })
        {
            var output = new StringWriter();
            var writer = new MarkdownWriter(output);
            foreach (var piece in text.Chunk(size)) writer.Write(new string(piece));
            output.ToString().ShouldBe(expected, $"in pieces of {size}");
        }
    }

    [Fact]
    public void Its_end_writes_what_was_held_back()
    {
        var output = new StringWriter();
        var writer = new MarkdownWriter(output);
        writer.Write("a **b*");
        writer.End();
        output.ToString().ShouldBe("a \e[0;1mb*\e[0m\n");
    }
}
