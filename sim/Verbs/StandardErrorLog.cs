using Microsoft.Extensions.Logging;

namespace Appliance.Sim.Verbs;

/// <summary>One line on stderr for each message; stdout belongs to what was asked for.</summary>
internal sealed class StandardErrorLog(LogLevel least, TimeProvider time) : ILoggerFactory
{
    /// <summary>The framework tells of every request, address and query string: of it only what went wrong is for an operator.</summary>
    public ILogger CreateLogger(string categoryName) =>
        new Logger(categoryName, categoryName.StartsWith("Microsoft.", StringComparison.Ordinal) && least < LogLevel.Warning ? LogLevel.Warning : least, time);

    public void AddProvider(ILoggerProvider provider)
    {
        // There is only stderr.
    }

    public void Dispose()
    {
    }

    private sealed class Logger(string category, LogLevel least, TimeProvider time) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least && logLevel != LogLevel.None;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                var cause = exception is null ? "" : logLevel >= LogLevel.Error ? $" | {exception}" : $" | {exception.Message}";
                Console.Error.WriteLine($"{time.GetUtcNow():HH:mm:ss.fff} {logLevel} {category}: {formatter(state, exception)}{cause}");
            }
        }
    }
}
