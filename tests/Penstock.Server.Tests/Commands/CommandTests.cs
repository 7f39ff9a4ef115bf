using Penstock.Testing;

namespace Penstock.Server.Tests.Commands;

/// <summary>The commands of the executable, as an operator types them.</summary>
public sealed class CommandTests
{
    [Fact]
    public async Task Streams_are_listed_printed_followed_and_deleted()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        var url = server.Url.ToString();
        using var http = new HttpClient { BaseAddress = server.Url };
        await PutAsync(http, "app/json", "application/json", """[{"n":1},{"n":2}]""");
        await PutAsync(http, "app/text", "text/plain", "plain text");
        var generation = await server.Api.StartAsync("simulated/chat?tps=0&ttft=0", "Hi");
        await server.Api.EndedAsync(generation);

        var list = (await RunAsync("streams", "ls", "--server", url)).Split('\n');
        list[0].ShouldMatch("^PATH +TYPE +EVENTS +STATE +CREATED +EXPIRES$");
        list[1].ShouldMatch($@"^generations/{generation} +application/json +\d+ +closed +\d{{4}}-.*Z +\d{{4}}-.*Z$");
        list[2].ShouldMatch("^app/text +text/plain.* +1 +open ");
        (await RunAsync("streams", "ls", "app/j", "--server", url)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Length.ShouldBe(2);

        (await RunAsync("streams", "cat", "app/json", "--server", url)).ShouldBe("{\"n\":1}\n{\"n\":2}\n");
        (await RunAsync("streams", "cat", "app/text", "--server", url)).ShouldBe("plain text");
        (await RunAsync("streams", "cat", "app/json", "--server", url, "--offset", "0000000000000001")).ShouldBe("{\"n\":2}\n");
        (await RunAsync("streams", "cat", $"generations/{generation}", "--server", url)).ShouldStartWith("{\"type\":\"started\"");

        var tail = RunAsync("streams", "tail", "app/json", "--offset", "-1", "--server", url);
        using var last = new HttpRequestMessage(HttpMethod.Post, "v1/stream/app/json") { Content = new StringContent("[3]", null, "application/json") };
        last.Headers.Add("Stream-Closed", "true");
        (await http.SendAsync(last)).EnsureSuccessStatusCode();
        (await tail).ShouldBe("{\"n\":1}\n{\"n\":2}\n3\n");

        await RunAsync("streams", "rm", "app/json", "--server", url);
        (await FailAsync(3, "streams", "cat", "app/json", "--server", url)).ShouldContain("no such stream");
        (await FailAsync(1, "streams", "rm", $"generations/{generation}", "--server", url)).ShouldContain("its generator alone");
    }

    [Fact]
    public async Task What_was_used_is_printed()
    {
        await using var upstream = ScriptedUpstream.Start(Tokens.Script(["a", "b"]));
        await using var server = await PenstockProcess.StartAsync(PenstockSettings.For(upstream, "disk"));
        var url = server.Url.ToString();
        var good = await server.Api.StartAsync("up/m,1");
        await server.Api.EndedAsync(good);
        upstream.Reply(call => call.Json(400, "{}"));
        var failed = await server.Api.StartAsync("up/=m");
        await server.Api.EndedAsync(failed);

        var lines = (await RunAsync("usage", "--server", url)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines[0].ShouldBe("id,owner,provider,model,status,input_tokens,cached_input_tokens,output_tokens,reasoning_tokens,source,created_at,ended_at,summary_for");
        lines[1].ShouldMatch($"^{failed},,up,'=m,failed,,,,,,20[^,]*,20[^,]*,$");
        lines[2].ShouldMatch($"^{good},,up,\"m,1\",finished,7,,2,,provider,20[^,]*,20[^,]*,$");
        lines.Length.ShouldBe(3);

        var json = (await RunAsync("usage", "--format", "json", "--since", "1h", "--server", url)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        json.Length.ShouldBe(2);
        json[1].ShouldStartWith($$"""{"id":"{{good}}","provider":"up","model":"m,1","status":"finished",""");
        json[1].ShouldContain("\"inputTokens\":7");
        (await RunAsync("usage", "--format", "json", "--until", "2020-01-01", "--server", url)).ShouldBeEmpty();
        (await FailAsync(2, "usage", "--since", "yesterday")).ShouldContain("'yesterday' is no time");
    }

    [Fact]
    public async Task A_data_folder_is_verified()
    {
        await using var server = await PenstockProcess.StartAsync(new PenstockSettings());
        using var http = new HttpClient { BaseAddress = server.Url };
        await PutAsync(http, "a", "text/plain", "first event of the stream");
        await PutAsync(http, "b", "text/plain", "second");
        (await FailAsync(1, "verify", server.DataFolder)).ShouldContain("Stop it first");
        await server.Stop();
        (await RunAsync("verify", server.DataFolder)).ShouldMatch(@"^All is well: \d+ records of 2 streams in 1 segments, \d+ bytes\.\n$");

        var segment = Directory.GetFiles(server.DataFolder, "*.log").Single();
        var bytes = await File.ReadAllBytesAsync(segment);
        bytes[bytes.AsSpan().IndexOf("event of"u8)] ^= 4;
        await File.WriteAllBytesAsync(segment, bytes);
        var (exit, output, _) = await PenstockAsync("verify", server.DataFolder);
        exit.ShouldBe(1);
        output.ShouldMatch(@"\.log at \d+: \d+ bytes are damaged, by what is left of them a record of 'streams/a' with events 0 to 0\.\n");
        output.ShouldContain("Damaged in 1 place.");
    }

    [Theory]
    [InlineData("streams")]
    [InlineData("streams", "ls", "--help")]
    [InlineData("streams", "sing", "a")]
    [InlineData("usage", "--format", "xml")]
    [InlineData("usage", "-h")]
    [InlineData("verify")]
    [InlineData("verify", "-h")]
    [InlineData("serve", "-h")]
    public async Task Help_is_given_where_it_is_asked_for_or_needed(params string[] arguments)
    {
        var (exit, output, error) = await PenstockAsync(arguments);
        var isAsked = arguments[^1] is "--help" or "-h";
        exit.ShouldBe(isAsked ? 0 : 2);
        (isAsked ? output : error).ShouldContain($"penstock {string.Join(' ', arguments.TakeWhile(a => a is "streams" or "usage" or "verify" or "ls" or "serve"))}");
        (isAsked ? output : error).ShouldContain("Try:");
        (isAsked ? error : output).ShouldBeEmpty();
        output.ShouldNotContain("dditional");
    }

    private static async Task PutAsync(HttpClient http, string path, string type, string body) =>
        (await http.PutAsync($"v1/stream/{path}", new StringContent(body, null, type))).EnsureSuccessStatusCode();

    private static async Task<string> RunAsync(params string[] arguments)
    {
        var (exit, output, error) = await PenstockAsync(arguments);
        exit.ShouldBe(0, error);
        return output;
    }

    private static async Task<string> FailAsync(int code, params string[] arguments)
    {
        var (exit, output, error) = await PenstockAsync(arguments);
        exit.ShouldBe(code, output);
        return error;
    }

    private static Task<(int Exit, string Output, string Error)> PenstockAsync(params string[] arguments) =>
        Command.RunAsync("dotnet", [PenstockProcess.ServerDll(), .. arguments]);
}
