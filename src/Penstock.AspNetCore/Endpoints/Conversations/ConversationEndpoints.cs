using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Penstock.AspNetCore.Auth;
using Penstock.AspNetCore.Configuration;
using Penstock.Generations;
using Penstock.Generations.Conversations;
using Penstock.Generations.Summaries;
using Penstock.Protocols;

namespace Penstock.AspNetCore.Endpoints.Conversations;

/// <summary><c>/v1/conversations</c>: make, list, read, rename, branch off, export and delete conversations.</summary>
internal sealed class ConversationEndpoints(GenerationEndpoint endpoint, GenerationService generations, GenerationCatalog catalog, ConversationStore conversations, SummaryStore summaries, PenstockOptions options)
{
    public const string Address = "/v1/conversations";

    public void Map(IEndpointRouteBuilder routes)
    {
        routes.Map(Address, Surface.Responses, ("POST", Handle(CreateAsync)), ("GET", Handle(ListAsync)));
        routes.Map($"{Address}/{{id}}", Surface.Responses, ("GET", Handle(GetAsync)), ("POST", Handle(UpdateAsync)), ("DELETE", Handle(DeleteAsync)));
        routes.Map($"{Address}/{{id}}/export", Surface.Responses, ("GET", Handle(ExportAsync)));
    }

    private RequestDelegate Handle(Func<HttpContext, Task> handler) =>
        context => endpoint.HandleAsync(context, ClientProtocols.Responses, () => handler(context));

    private async Task CreateAsync(HttpContext context)
    {
        await endpoint.CountAsync(context);
        using var body = await ConversationBody.ReadAsync(context, options, mayBeEmpty: true);
        var (metadata, items, key) = (body.Metadata(), body.Items(), GenerationEndpoint.KeyOf(context));
        Branch? from = null;
        if (body.String("fork_from") is { } source)
            from = Branch.Of(await conversations.OpenAsync(source, OwnerOf(context)) ?? throw ConversationStore.NotFound(source, "fork_from"), body.String("fork_after"));
        var owner = OwnerOf(context).Name;
        var id = key is null ? ConversationId.New() : ConversationId.Of(owner, key);
        var conversation = await conversations.CreateAsync(id, new ConversationLabel(owner, key is null ? null : body.Hash), metadata, items, from);
        await ConversationReply.WriteAsync(context, json => ConversationReply.WriteConversation(json, conversation));
    }

    private async Task ListAsync(HttpContext context)
    {
        var (limit, after) = (ConversationReply.LimitOf(context), context.Request.Query["after"].ToString());
        var page = new List<Conversation>();
        var found = after.Length == 0;
        await foreach (var conversation in conversations.ListAsync(OwnerOf(context)))
        {
            if (found) page.Add(conversation);
            else found = conversation.Id == after;
            if (page.Count > limit) break;
        }

        var hasMore = page.Count > limit;
        if (hasMore) page.RemoveAt(limit);
        await ConversationReply.WriteAsync(context, json =>
            ConversationReply.WriteList(json, page, c => c.Id, c => ConversationReply.WriteConversation(json, c), hasMore));
    }

    private async Task GetAsync(HttpContext context)
    {
        var conversation = await FindAsync(context);
        await ConversationReply.WriteAsync(context, json => ConversationReply.WriteConversation(json, conversation));
    }

    private async Task UpdateAsync(HttpContext context)
    {
        await FindAsync(context);
        await endpoint.CountAsync(context);
        using var body = await ConversationBody.ReadAsync(context, options);
        var conversation = await conversations.UpdateAsync(IdOf(context), body.Metadata(required: true));
        await ConversationReply.WriteAsync(context, json => ConversationReply.WriteConversation(json, conversation));
    }

    private async Task ExportAsync(HttpContext context)
    {
        var conversation = await OpenAsync(context);
        context.Response.Headers.ContentDisposition = $"attachment; filename=\"{conversation.Id}.json\"";
        await ConversationReply.WriteAsync(context, json => ConversationReply.WriteExport(json, conversation));
    }

    /// <summary>Its responses say what was said too: they go first, so that whoever is cut off here can ask again.</summary>
    private async Task DeleteAsync(HttpContext context)
    {
        var (id, deleted) = (IdOf(context), 0);
        Conversation conversation;
        do
        {
            conversation = await OpenAsync(context);
            foreach (var turn in conversation.Said!.Turns.Skip(deleted)) await DeleteResponseAsync(turn, id, OwnerOf(context));
            await summaries.ForgetAsync(conversation);
            deleted = conversation.Said.Turns.Count;
        }
        while (!await conversations.TryDeleteAsync(conversation));

        await ConversationReply.WriteAsync(context, json =>
        {
            json.WriteStartObject();
            json.WriteString("id"u8, id);
            json.WriteString("object"u8, "conversation.deleted"u8);
            json.WriteBoolean("deleted"u8, true);
            json.WriteEndObject();
        });
    }

    // A branch knows the responses of what it branched off, too; they are not its own.
    private async Task DeleteResponseAsync(string generation, string conversation, Owner owner)
    {
        if (await catalog.GetInfoAsync(generation, owner) is { } info && GenerationMetadata.TryRead(info.Metadata)?.Conversation == conversation)
            await generations.DeleteAsync(generation, owner);
    }

    private async Task<Conversation> FindAsync(HttpContext context) => await conversations.GetAsync(IdOf(context), OwnerOf(context)) ?? throw ConversationStore.NotFound(IdOf(context));

    private async Task<Conversation> OpenAsync(HttpContext context) => await conversations.OpenAsync(IdOf(context), OwnerOf(context)) ?? throw ConversationStore.NotFound(IdOf(context));

    private static string IdOf(HttpContext context) => context.Request.RouteValues["id"] as string ?? "";

    private static Owner OwnerOf(HttpContext context) => Caller.Of(context).Owner;
}
