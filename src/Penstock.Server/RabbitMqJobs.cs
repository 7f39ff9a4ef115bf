using Penstock.AspNetCore.Configuration;
using Penstock.Jobs;
using Penstock.RabbitMQ;

namespace Penstock.Server;

/// <summary>Brings jobs through RabbitMQ where <c>Penstock:Queue:Kind</c> says so.</summary>
internal static class RabbitMqJobs
{
    public static void AddRabbitMqJobs(this IServiceCollection services, IConfiguration configuration)
    {
        if (configuration[$"{PenstockOptions.Section}:Queue:Kind"] != "rabbitmq") return;
        services.AddSingleton<IJobQueue>(provider => new RabbitMqJobQueue(
            new RabbitMqOptions
            {
                Address = new Uri(provider.GetRequiredService<PenstockOptions>().Queue.RabbitMq),
                User = configuration["RABBITMQ_USER"],
                Password = configuration["RABBITMQ_PASS"],
            },
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<RabbitMqJobQueue>>()));
    }
}
