using Microsoft.Extensions.AI;
using Penstock.Client;

// A chat in the terminal. Restart the server while it answers: the answer goes on.
var server = new Uri(args.Length > 0 ? args[0] : "http://localhost:8000");
using var penstock = new PenstockClient(new PenstockClientOptions { BaseAddress = server, OnReconnecting = e => Console.Error.WriteLine($"[{e.Message}]") });
var chat = penstock.AsChatClient();
var messages = new List<ChatMessage>();
while (Console.ReadLine() is { Length: > 0 } line)
{
    messages.Add(new ChatMessage(ChatRole.User, line));
    var updates = new List<ChatResponseUpdate>();
    await foreach (var update in chat.GetStreamingResponseAsync(messages))
    {
        Console.Write(update.Text);
        updates.Add(update);
    }

    Console.WriteLine();
    messages.AddMessages(updates);
}
