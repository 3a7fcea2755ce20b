using System.Diagnostics.CodeAnalysis;

namespace Diffusion.Networks;

/// <summary>
/// Calls a part of a network without keeping what its gradient needs; the backward pass computes it again from the inputs (Chen et al. 2016). The gradient
/// is the same to the bit, for inputs and parameters; it costs one more forward pass of the part. Second derivatives are not to be had: they come out as NaN.
/// </summary>
internal sealed class Recomputation : autograd.SingleTensorFunction<Recomputation>
{
    private const string Key = "part";

    // What passed between libtorch and the part before on this thread, and is done with by now: freed early, so that the gradients of all parts are not alive at once.
    [ThreadStatic]
    private static List<Tensor>? _passed;

    public override string Name => nameof(Recomputation);

    /// <param name="module">What is called: its parameters receive gradients.</param>
    /// <param name="compute">Its arithmetic, a function of the inputs.</param>
    /// <param name="draws">Whether it draws from the CPU's default generator, which then draws the same once more.</param>
    /// <param name="inputs">
    /// One for each use: a tensor that is used twice comes twice, its last use first. Gradients are then added in the order in which they would be otherwise.
    /// </param>
    public static Tensor Run(nn.Module module, Func<IReadOnlyList<Tensor>, Tensor> compute, bool draws, params Tensor[] inputs)
    {
        if (!is_grad_enabled()) return compute(inputs);
        if (draws && inputs[0].device_type != DeviceType.CPU)
            throw new InvalidOperationException($"Dropout on {inputs[0].device} cannot be drawn again, so activations cannot be recomputed. Set dropout to 0, or keep the activations.");
        Tensor[] tensors = [.. inputs, .. module.parameters().Where(p => p.requires_grad)];
        if (!tensors.Any(t => t.requires_grad)) return compute(inputs);
        var lowered = Autocast.Instance is { } autocast && autocast.IsOn(inputs[0].device_type);
        var random = draws ? get_rng_state().DetachFromDisposeScope() : null; // lives as long as the graph
        return apply([new Part(compute, inputs.Length, lowered, random), .. tensors]);
    }

    public override Tensor forward(autograd.AutogradContext ctx, params object[] vars)
    {
        var part = (Part)vars[0];
        ctx.save_data(Key, part);
        ctx.save_for_backward([.. vars.Skip(1).Cast<Tensor>()]);
        using var gradients = no_grad();
        return part.Call([.. vars.Skip(1).Take(part.Inputs).Cast<Tensor>()]);
    }

    [SuppressMessage("Reliability", "CA2000", Justification = "The scope disposes what is not handed on.")]
    public override List<Tensor> backward(autograd.AutogradContext ctx, Tensor grad_output)
    {
        foreach (var gradient in _passed ?? []) gradient.Dispose();
        using var scope = NewDisposeScope();
        var part = (Part)ctx.get_data(Key);
        var saved = ctx.get_saved_variables().ToArray();
        if (is_grad_enabled()) return Undefined(saved); // a gradient that shall itself be differentiated
        // Cut off from what came before, which must not be gone through again.
        for (var i = 0; i < part.Inputs; i++) saved[i] = saved[i].detach().requires_grad_(saved[i].requires_grad);
        using var gradients = enable_grad();
        var result = part.Again(saved[..part.Inputs]);
        var wanted = saved.Where(t => t.requires_grad).ToArray();
        var given = new Queue<Tensor?>(autograd.grad([result], wanted, [grad_output], allow_unused: true));
        List<Tensor> all = [null!]; // of the part itself
        foreach (var t in saved) all.Add((t.requires_grad ? given.Dequeue()?.MoveToOuterDisposeScope() : null)!);
        _passed = [grad_output, .. all.Where(t => t is not null)];
        return all;
    }

    // Not a number rather than a wrong one: an exception could not cross libtorch.
    private static List<Tensor> Undefined(Tensor[] saved) =>
        [null!, .. saved.Select(t => t.requires_grad ? full_like(t, double.NaN).MoveToOuterDisposeScope() : null!)];

    private sealed class Part(Func<IReadOnlyList<Tensor>, Tensor> compute, int inputs, bool lowered, Tensor? random)
    {
        public int Inputs => inputs;

        public Tensor Call(Tensor[] given) => compute(given);

        // As the first time: in the same precision, with the same random numbers.
        public Tensor Again(Tensor[] given)
        {
            using var region = lowered ? Autocast.Instance!.Enter(given[0].device_type) : null;
            if (random is null) return compute(given);
            var now = get_rng_state();
            try
            {
                set_rng_state(random);
                return compute(given);
            }
            finally
            {
                set_rng_state(now);
            }
        }
    }
}
