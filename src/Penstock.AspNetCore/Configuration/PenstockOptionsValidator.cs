using Microsoft.Extensions.Options;
using Penstock.Generations.Filters;
using Penstock.Protocols;
using Penstock.Providers;

namespace Penstock.AspNetCore.Configuration;

/// <summary>Says what is wrong with the configuration, by key, and how to mend it.</summary>
internal sealed class PenstockOptionsValidator : IValidateOptions<PenstockOptions>
{
    public ValidateOptionsResult Validate(string? name, PenstockOptions options)
    {
        var errors = new List<string>();
        OneOf(errors, "Storage:Kind", options.Storage.Kind, "disk", "memory", "redis");
        OneOf(errors, "Transport", options.Transport, "auto", "sockets");
        OneOf(errors, "Storage:Commit", options.Storage.Commit, "process", "power");
        Durations.Keep(errors, "Storage:Retention", options.Storage.Retention);
        Durations.Wait(errors, "Storage:RedisOutage", options.Storage.RedisOutage);
        Durations.Wait(errors, "Streams:Heartbeat", options.Streams.Heartbeat);
        Durations.Wait(errors, "Streams:StalledReader", options.Streams.StalledReader);
        Durations.Wait(errors, "Streams:LongPollTimeout", options.Streams.LongPollTimeout);
        Durations.Keep(errors, "Streams:KeepFor", options.Streams.KeepFor, "to keep all");
        if (options.Streams.KeepBytes < 0) errors.Add($"Penstock:Streams:KeepBytes is {options.Streams.KeepBytes}; give a number of bytes, or 0 to keep all.");
        if (options.Streams.MaxPerOwner < 0) errors.Add($"Penstock:Streams:MaxPerOwner is {options.Streams.MaxPerOwner}; give a number of streams, or 0 for no limit.");
        if (options.Streams.MaxBytesPerOwner < 0) errors.Add($"Penstock:Streams:MaxBytesPerOwner is {options.Streams.MaxBytesPerOwner}; give a number of bytes, or 0 for no limit.");
        if (options.Storage.MaxDiskBytes < 0) errors.Add($"Penstock:Storage:MaxDiskBytes is {options.Storage.MaxDiskBytes}; give a number of bytes, or 0 for no limit.");
        Durations.Wait(errors, "Generations:Grace", options.Generations.Grace);
        Durations.Wait(errors, "Generations:ShutdownTimeout", options.Generations.ShutdownTimeout, TimeSpan.Zero);
        Durations.Keep(errors, "Cache:MaxAge", options.Cache.MaxAge, "for requests that ask for it alone");
        OneOf(errors, "History:Policy", options.History.Policy, "off", "summary", "window");
        Durations.Wait(errors, "History:SummaryTimeout", options.History.SummaryTimeout);
        if (options.History.SummaryModel is { } summarizer) Model(errors, options, "History:SummaryModel", summarizer);
        Durations.Keep(errors, "Conversations:KeepFor", options.Conversations.KeepFor);
        if (options.Conversations.MaxPerOwner < 0) errors.Add($"Penstock:Conversations:MaxPerOwner is {options.Conversations.MaxPerOwner}; give a number of conversations, or 0 for no limit.");
        if (options.Conversations.MaxBytesPerOwner < 0) errors.Add($"Penstock:Conversations:MaxBytesPerOwner is {options.Conversations.MaxBytesPerOwner}; give a number of bytes, or 0 for no limit.");
        OneOf(errors, "Generations:OnDisconnect", options.Generations.OnDisconnect, "detach", "cancel", "grace");
        OneOf(errors, "Generations:OnCrash", options.Generations.OnCrash, "fail", "restart", "continue");
        Validate(errors, options.Queue);
        if (options.Retry.MaxRetries < 0) errors.Add("Penstock:Retry:MaxRetries is under 0; give how many times a provider is asked again, or 0.");
        Durations.Wait(errors, "Retry:BaseDelay", options.Retry.BaseDelay, TimeSpan.Zero);
        Durations.Wait(errors, "Retry:MaxDelay", options.Retry.MaxDelay, TimeSpan.Zero);
        OneOf(errors, "Retry:AfterOutput", options.Retry.AfterOutput, "fail", "continue");
        if (options.Storage.Kind == "disk" && string.IsNullOrWhiteSpace(options.Storage.Path))
            errors.Add("Penstock:Storage:Path is empty; name a folder for the data.");
        if (options.Generations.MaxRunning < 1) errors.Add("Penstock:Generations:MaxRunning is under 1; give how many generations may run at once.");
        LimitsOptionsValidator.Validate(errors, options.Limits);
        if (options.Storage.MaxMemoryBytes < 1024) errors.Add($"Penstock:Storage:MaxMemoryBytes is {options.Storage.MaxMemoryBytes}; give a number of bytes, 1024 at least.");
        if (options.Storage.MaxStreamBytes < 1024) errors.Add("Penstock:Storage:MaxStreamBytes is under 1024; give the largest stream in bytes.");
        if (options.Tools.MaxSteps < 1) errors.Add("Penstock:Tools:MaxSteps is under 1; give how often a model may be asked for one answer.");
        if (options.Tools.MaxTokens < 0) errors.Add($"Penstock:Tools:MaxTokens is {options.Tools.MaxTokens}; give a number of tokens, or 0 for no limit.");
        Durations.Wait(errors, "Tools:MaxTime", options.Tools.MaxTime);
        Durations.Wait(errors, "Tools:ApprovalTimeout", options.Tools.ApprovalTimeout);
        AuthOptionsValidator.Validate(errors, options.Auth);
        foreach (var origin in options.Cors.Origins)
        {
            if (!IsOrigin(origin)) errors.Add($"Penstock:Cors:Origins has '{origin}'; give an origin as browsers send it, https://app.example.com with no path, or * for all.");
        }

        foreach (var (place, filter) in options.Filters.Index()) Validate(errors, place, filter);
        foreach (var (key, provider) in options.Providers) Validate(errors, key, provider);
        foreach (var (key, model) in options.Models)
        {
            if (model.Targets.Count == 0) errors.Add($"Penstock:Models:{key}:Targets is empty; list at least one provider/model.");
            if (model.AfterOutput is { } policy) OneOf(errors, $"Models:{key}:AfterOutput", policy, "fail", "continue");
            Durations.Wait(errors, $"Models:{key}:HedgeAfter", model.HedgeAfter);
            if (model.History.Policy is { } history) OneOf(errors, $"Models:{key}:History:Policy", history, "off", "summary", "window");
            if (model.History.SummaryModel is { } sums) Model(errors, options, $"Models:{key}:History:SummaryModel", sums);
            foreach (var target in model.Targets)
            {
                Route(errors, options, $"Models:{key}:Targets", target.Model);
                if (target.Weight is not > 0) errors.Add($"Penstock:Models:{key}:Targets: the weight of '{target.Model}' is {target.Weight}; give a number above zero.");
            }
        }

        Model(errors, options, "DefaultModel", options.DefaultModel);
        return errors.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(errors);
    }

    private static void Validate(List<string> errors, QueueOptions queue)
    {
        OneOf(errors, "Queue:Kind", queue.Kind, "local", "rabbitmq");
        OneOf(errors, "Queue:Role", queue.Role, "gateway", "worker", "both");
        OneOf(errors, "Queue:WhenFull", queue.WhenFull, "reject", "wait");
        if (queue.MaxLength < 1) errors.Add("Penstock:Queue:MaxLength is under 1; give how many generations may wait for a worker.");
        if (queue.Kind == "local" && queue.Role != "both")
            errors.Add($"Penstock:Queue:Role is '{queue.Role}', and nobody else takes what is on a local queue; set Penstock:Queue:Kind to rabbitmq, or Role to both.");
        if (queue.Kind == "rabbitmq" && (!Uri.TryCreate(queue.RabbitMq, UriKind.Absolute, out var url) || url.Scheme is not ("amqp" or "amqps")))
            errors.Add("Penstock:Queue:RabbitMq is no broker's address; give one like amqp://localhost:5672."); // it may hold a password
    }

    private static void Validate(List<string> errors, string key, ProviderOptions provider)
    {
        var prefix = $"Providers:{key}";
        if (key.AsSpan().ContainsAny('/', ':')) errors.Add($"Penstock:{prefix}: a provider's name must not hold / or :, which separate it from the model.");
        OneOf(errors, $"{prefix}:Protocol", provider.Protocol, [.. ProviderProtocols.Names, "simulated"]);
        if (provider.Protocol != "simulated" && (!Uri.TryCreate(provider.BaseUrl, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https")))
            errors.Add($"Penstock:{prefix}:BaseUrl is '{provider.BaseUrl}'; give the address that the protocol's paths go after, e.g. https://api.openai.com/v1.");
        Durations.Wait(errors, $"{prefix}:ConnectTimeout", provider.ConnectTimeout);
        Durations.Wait(errors, $"{prefix}:FirstTokenTimeout", provider.FirstTokenTimeout);
        Durations.Wait(errors, $"{prefix}:IdleTimeout", provider.IdleTimeout);
        Durations.Wait(errors, $"{prefix}:TotalTimeout", provider.TotalTimeout);
        if (provider is { ContinuesPrefix: true, Protocol: "responses" }) errors.Add($"Penstock:{prefix}:ContinuesPrefix is set, and Responses has no words for it; leave it out.");
        if (provider.Window < 0) errors.Add($"Penstock:{prefix}:Window is {provider.Window}; give how many tokens its models read and write in one request, or 0 where that is not known.");
        foreach (var (model, window) in provider.Windows)
        {
            if (window < 0) errors.Add($"Penstock:{prefix}:Windows:{model} is {window}; give how many tokens the model reads and writes in one request, or 0 where that is not known.");
        }

        if (provider.MaxLineLength < 1024) errors.Add($"Penstock:{prefix}:MaxLineLength is under 1024; give the longest line in bytes.");
    }

    private static void Validate(List<string> errors, int place, FilterOptions filter)
    {
        try
        {
            OutputFilter.New(filter);
        }
        catch (FormatException e)
        {
            errors.Add($"Penstock:Filters:{place}: {e.Message}");
        }
    }

    private static void Model(List<string> errors, PenstockOptions options, string key, string name)
    {
        if (!options.Models.ContainsKey(name)) Route(errors, options, key, name);
    }

    private static void Route(List<string> errors, PenstockOptions options, string key, string target)
    {
        var cut = target.AsSpan().IndexOfAny('/', ':');
        if (cut <= 0 || !options.Providers.ContainsKey(target[..cut]))
            errors.Add($"Penstock:{key} is '{target}'; name it provider/model with one of the providers {string.Join(", ", options.Providers.Keys)}.");
    }

    // Whatever else it is would never match, and say nothing.
    private static bool IsOrigin(string origin) =>
        origin == "*" || (Uri.TryCreate(origin, UriKind.Absolute, out _) && origin.Split("://") is [_, var host] && host.Length > 0 && !host.AsSpan().ContainsAny('/', '?', '#'));

    private static void OneOf(List<string> errors, string key, string value, params ReadOnlySpan<string> allowed)
    {
        if (!allowed.Contains(value)) errors.Add($"Penstock:{key} is '{value}'; set it to one of {string.Join(", ", allowed!)}.");
    }
}
