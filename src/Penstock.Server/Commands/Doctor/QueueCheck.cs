using Penstock.AspNetCore.Configuration;
using RabbitMQ.Client;
using RabbitMQ.Client.Exceptions;

namespace Penstock.Server.Commands.Doctor;

/// <summary>Whether jobs can be brought to workers.</summary>
internal static class QueueCheck
{
    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(PenstockOptions options, IConfiguration configuration, Report report)
    {
        if (options.Queue.Kind != "rabbitmq") return;
        var factory = new ConnectionFactory { Uri = new Uri(options.Queue.RabbitMq), RequestedConnectionTimeout = _limit };
        if (configuration["RABBITMQ_USER"] is { } user) factory.UserName = user;
        if (configuration["RABBITMQ_PASS"] is { } password) factory.Password = password;
        try
        {
            await using var connection = await factory.CreateConnectionAsync("penstock doctor").WaitAsync(_limit * 2);
            await report.GoodAsync("RabbitMQ answers, and lets us in.");
        }
        catch (BrokerUnreachableException e) when (e.InnerException is AuthenticationFailureException)
        {
            await report.BadAsync("RabbitMQ refuses the user or the password.", "Mend those in Penstock:Queue:RabbitMq (amqp://user:password@host:5672), or RABBITMQ_USER and RABBITMQ_PASS.");
        }
        catch (Exception e) when (e is BrokerUnreachableException or TimeoutException)
        {
            await report.BadAsync("RabbitMQ does not answer.", "Start it, or mend Penstock:Queue:RabbitMq (amqp://user:password@host:5672).");
        }
    }
}
