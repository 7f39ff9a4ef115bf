using System.Diagnostics;
using System.Net;
using System.Text.Json.Nodes;
using Penstock.Testing;

namespace Penstock.Client.Tests.Samples;

/// <summary>What lies in <c>samples/</c> runs as it is. Those that read a stream do so through a relay that cuts it.</summary>
public sealed class SamplesTests(SamplesServer server) : IClassFixture<SamplesServer>
{
    private static readonly string _samples = Path.Combine(Repository.Root, "samples");
    private static readonly string _node = Path.Combine(Repository.Root, "tests", "node");

    [Fact]
    public async Task All_that_the_curls_say_holds()
    {
        var (exitCode, output, error) = await Command.RunAsync("bash", [Path.Combine(_samples, "curl.sh"), server.Address]);
        exitCode.ShouldBe(0, output + error);
        output.ShouldEndWith("All held.\n");
    }

    [Theory]
    [InlineData("eventsource.html")]
    [InlineData("plain/stream.html")]
    public async Task A_page_shows_the_whole_answer_though_its_connection_is_cut(string file)
    {
        await using var proxy = new CuttingProxy(server.Url, 3000);
        var shown = JsonNode.Parse(await NodeAsync(_node, proxy, "page.mjs", Path.Combine(_samples, file), Address(proxy)))!;
        ((string)shown["state"]!).ShouldBe("done");
        ((string)shown["answer"]!).ShouldBe(server.Text);
        proxy.Cuts.ShouldBe(1);
    }

    [Fact]
    public async Task A_stream_by_post_goes_on_where_it_was_cut()
    {
        await using var proxy = new CuttingProxy(server.Url, 3000, 500, 5001);
        (await NodeAsync(Path.Combine(_samples, "plain"), proxy, "query-stream.mjs")).ShouldBe(server.Text);
        proxy.Cuts.ShouldBe(3);
    }

    [Fact]
    public async Task Two_that_ask_by_one_name_get_one_answer()
    {
        await using var proxy = new CuttingProxy(server.Url);
        (await NodeAsync(Path.Combine(_samples, "plain"), proxy, "ask.mjs", "sample-job")).ShouldBe(server.Text + "\n");
        (await NodeAsync(Path.Combine(_samples, "plain"), proxy, "ask.mjs", "sample-job")).ShouldBe(server.Text + "\n");
    }

    [Fact]
    public async Task OpenAis_sdk_goes_on_where_it_was_cut()
    {
        var folder = Directory.CreateTempSubdirectory("penstock-sample-").FullName;
        try
        {
            foreach (var file in Directory.GetFiles(Path.Combine(_samples, "node-openai"))) File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
            Directory.CreateSymbolicLink(Path.Combine(folder, "node_modules"), Path.Combine(_node, "node_modules"));
            await using var proxy = new CuttingProxy(server.Url, 9000, 2000, 20_001);
            (await NodeAsync(folder, proxy, "index.mjs")).ShouldBe(server.Text);
            proxy.Cuts.ShouldBe(3);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Each_request_of_the_http_file_is_answered()
    {
        using var http = new HttpClient();
        var requests = HttpFile.Read(Path.Combine(_samples, "api.http"));
        requests.Count.ShouldBeGreaterThan(15);
        Dictionary<string, string> ids = [];
        foreach (var request in requests)
        {
            using var message = request.Message(server.Address, ids);
            using var reply = await http.SendAsync(message);
            var body = await reply.Content.ReadAsStringAsync();
            reply.StatusCode.ShouldBeOneOf(HttpStatusCode.OK, HttpStatusCode.Created, HttpStatusCode.Accepted);
            if (request.Name is { } name) ids[name] = (string)JsonNode.Parse(body)!["id"]!;
        }
    }

    [Fact]
    public async Task An_app_of_ones_own_streams_and_goes_on_after_it_was_killed()
    {
        await using var app = await AppProcess.StartAsync("dotnet", Built("dotnet-embedded"), "--Penstock:Generations:OnCrash", "continue");
        using var client = new PenstockClient(new PenstockClientOptions { BaseAddress = app.Url });
        (await Api.SendTextAsync(app.Api.Get(""))).Body.ShouldContain("An app of my own");
        var run = await client.StartAsync("rivers", "simulated/chat?tokens=40&tps=20&ttft=0");
        var text = "";
        await foreach (var next in run)
        {
            if (next is BlockDelta delta) text += delta.Text;
            if (next.Offset != 5) continue;
            await app.Kill9();
            await app.StartAsync();
        }

        var kept = await run.GetAsync();
        text.ShouldBe(kept.Text);
        kept.Status.ShouldBe("finished");
    }

    [Fact]
    public async Task A_chat_in_the_terminal_goes_on_after_its_server_was_killed()
    {
        await using var own = await PenstockProcess.StartAsync(new PenstockSettings().With("Generations:OnCrash", "continue").With("DefaultModel", "simulated/chat?tokens=40&tps=20&ttft=0"));
        using var chat = Process.Start(new ProcessStartInfo("dotnet", [Built("dotnet-console"), own.Url.ToString()]) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false })!;
        var errors = chat.StandardError.ReadToEndAsync();
        await chat.StandardInput.WriteLineAsync("Tell me about rivers.");
        var output = new char[1];
        (await chat.StandardOutput.ReadAsync(output).AsTask().WaitAsync(Eventually.Limit)).ShouldBe(1); // it has begun
        await own.Kill9();
        await own.StartAsync();
        await chat.StandardInput.WriteLineAsync("And about lakes.");
        chat.StandardInput.Close();
        var rest = await chat.StandardOutput.ReadToEndAsync().WaitAsync(Eventually.Limit);
        (await errors).ShouldContain("[");
        await Eventually.Completes(chat.WaitForExitAsync(), "the chat ends");
        chat.ExitCode.ShouldBe(0);

        using var client = new PenstockClient(new PenstockClientOptions { BaseAddress = own.Url });
        var kept = await client.ListAsync();
        (output[0] + rest).ShouldBe($"{kept[1].Text}\n{kept[0].Text}\n");
    }

    // Built with these tests.
    private static string Built(string sample)
    {
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        return Path.Combine(output.Parent!.Parent!.FullName, sample, output.Name, $"{sample}.dll");
    }

    private static string Address(CuttingProxy proxy) => proxy.Url.ToString().TrimEnd('/');

    private static async Task<string> NodeAsync(string folder, CuttingProxy proxy, params string[] arguments)
    {
        var (exitCode, output, error) = await Command.RunAsync("node", arguments, folder, ("PENSTOCK_SERVER", Address(proxy)), ("MODEL", SamplesServer.Model));
        exitCode.ShouldBe(0, error);
        return output;
    }
}
